// Answers calls from Python: standard input holds { name, table, calls: [[function, ...arguments], ...] }, standard output the results.
// A `"table"` among the arguments stands for the table, an endless number comes back as null.
import { readFileSync } from "node:fs";
import { load } from "./load.mjs";

const { name, table, calls } = JSON.parse(readFileSync(0, "utf8"));
const explorer = load(name).explorers[name];
const results = calls.map(([call, ...given]) => explorer[call](...given.map((one) => (one === "table" ? table : one))));
process.stdout.write(JSON.stringify(results));
