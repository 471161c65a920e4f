"""What cloning and TD3 share: replicas of a policy, their slopes and random streams, evaluation, checkpoints."""
