// Flight viewer: stored flights of the expert and of spiking policies in 3-D, with the policy's spikes beside them.
(() => {
  "use strict";
  const { svg, set, clamp, whole, thousands, path, percent, slopeColour, panel } = globalThis.snnsg.core;

  // `table.expert` and `table[pilot][slope][trained]` are flights: `motion` holds whole numbers, each less the one before it (mm,
  // thousandths of the quaternion's x, y, z, hundredths of an action); `spikes` one digit for each shown neuron and step.
  const SECONDS = 3,
    SECONDS_PER_STEP = 0.02,
    STEPS = 150,
    LAYERS = 3,
    HALF_WIDTH = 0.6;
  const PILOTS = { expert: "The LQR expert", bc: "The clone", td3: "The policy of TD3" };
  const UNITS = { bc: "updates", td3: "steps" };

  const chosen = ({ pilot, slope, trained }, table) =>
    pilot === "expert" ? table.expert : table[pilot][slope][trained];
  const unpacked = new WeakMap();
  function unpack(flight) {
    if (unpacked.has(flight)) return unpacked.get(flight);
    const sums = (name, scale) => {
      let total = 0;
      return flight.motion[name].map((more) => (total += more) / scale);
    };
    const [x, y, z] = ["x", "y", "z"].map((name) => sums(name, 1000));
    const [qx, qy, qz] = ["qx", "qy", "qz"].map((name) => sums(name, 1000));
    const position = x.map((_, i) => [x[i], y[i], z[i]]);
    const attitude = qx.map((_, i) => [
      Math.sqrt(Math.max(0, 1 - qx[i] ** 2 - qy[i] ** 2 - qz[i] ** 2)),
      qx[i],
      qy[i],
      qz[i],
    ]);
    const motors = [0, 1, 2, 3].map((motor) => sums(`action_${motor}`, 100));
    const flown = { position, attitude, motors, steps: x.length };
    unpacked.set(flight, flown);
    return flown;
  }
  const stepAt = (time, steps) => Math.min(steps - 1, Math.floor(time / SECONDS_PER_STEP + 1e-6));

  function sentence(state, table) {
    const flight = chosen(state, table);
    const { length: steps } = flight.motion.x;
    const who =
      state.pilot === "expert"
        ? PILOTS.expert
        : `${PILOTS[state.pilot]} with k = ${state.slope}, after ${thousands(flight.trained)} ${UNITS[state.pilot]},`;
    const [x, y, z] = ["x", "y", "z"].map((axis) => flight.motion[axis].reduce((total, more) => total + more, 0));
    const way =
      steps < STEPS
        ? `fails after ${(steps * SECONDS_PER_STEP).toFixed(2)} s`
        : `flies all 3 s and is ${whole(Math.sqrt(x * x + y * y + z * z) / 10)} cm off at the end`;
    const earned = `${who} ${way}: ${flight.earned} of ${STEPS} points`;
    if (state.pilot === "expert") return `${earned}. It solves equations and has no neurons.`;
    const [first, second, third] = flight.rates.map((rate) => percent(rate / 10000));
    return `${earned}, where the expert earns ${table.expert.earned}. Of the neurons of its hidden layers ${first} of the first, ${second} of the second and ${third} of the third spike in a forward step.`;
  }

  // ---- Space: a parallel projection, seen from `azimuth` degrees from the x axis and `elevation` above the horizon.
  function projection(azimuth, elevation) {
    const [a, e] = [(azimuth * Math.PI) / 180, (elevation * Math.PI) / 180];
    const [sinA, cosA, sinE, cosE] = [Math.sin(a), Math.cos(a), Math.sin(e), Math.cos(e)];
    return ([x, y, z]) => [cosA * y - sinA * x, cosE * z - sinE * (cosA * x + sinA * y)];
  }
  function rotated([w, x, y, z], [a, b, c]) {
    return [
      (1 - 2 * (y * y + z * z)) * a + 2 * (x * y - w * z) * b + 2 * (x * z + w * y) * c,
      2 * (x * y + w * z) * a + (1 - 2 * (x * x + z * z)) * b + 2 * (y * z - w * x) * c,
      2 * (x * z - w * y) * a + 2 * (y * z + w * x) * b + (1 - 2 * (x * x + y * y)) * c,
    ];
  }
  const plus = (a, b) => a.map((value, i) => value + b[i]);
  const SIGNS = [-1, 1];
  // The twelve edges of the box: each runs along one axis, at both ends of the two others.
  const EDGES = [0, 1, 2].flatMap((axis) =>
    SIGNS.flatMap((p) =>
      SIGNS.map((q) =>
        SIGNS.map((end) => {
          const corner = [p, q].map((sign) => sign * HALF_WIDTH);
          corner.splice(axis, 0, end * HALF_WIDTH);
          return corner;
        }),
      ),
    ),
  );
  // Drawn larger than it is, as in the library: front right, back right, back left, front left.
  const LEVER = 0.12,
    ROTOR = 0.06;
  const MOTORS = [
    [1, -1],
    [-1, -1],
    [-1, 1],
    [1, 1],
  ].map(([x, y]) => [LEVER * x, LEVER * y, 0]);
  const CIRCLE = Array.from({ length: 25 }, (_, i) => [
    ROTOR * Math.cos((i * Math.PI) / 12),
    ROTOR * Math.sin((i * Math.PI) / 12),
    0,
  ]);

  function space(canvas, box) {
    const { left, top, size } = box;
    const edges = svg(canvas, "path", { class: "snnsg-frame" });
    const target = svg(canvas, "path", { class: "snnsg-mark" });
    const plumb = svg(canvas, "path", { class: "snnsg-threshold" });
    const expert = svg(canvas, "path", { class: "snnsg-truth" });
    const all = svg(canvas, "path", { class: "snnsg-path snnsg-pale" });
    const flown = svg(canvas, "path", { class: "snnsg-path" });
    const arms = svg(canvas, "path", { class: "snnsg-drone" });
    const back = svg(canvas, "path", { class: "snnsg-drone" });
    const front = svg(canvas, "path", { class: "snnsg-drone snnsg-filled" });
    const words = svg(canvas, "text", { x: left + 4, y: top + size + 14, class: "snnsg-value" });
    svg(
      canvas,
      "text",
      { x: left + 4, y: top + size + 33, class: "snnsg-note" },
      "star: target, thin line: the expert",
    );
    svg(canvas, "text", { x: left + 4, y: top + size + 51, class: "snnsg-note" }, "drag or press arrow keys to turn");
    const scale = size / 2.1;

    return (state, table) => {
      const flight = unpack(chosen(state, table));
      const step = stepAt(state.time, flight.steps);
      const flat = projection(state.azimuth, state.elevation);
      const at = (point) => {
        const [right, up] = flat(point);
        return [left + size / 2 + scale * right, top + size / 2 - scale * up];
      };
      const line = (points) => path(points.map(at));
      set(edges, { d: EDGES.map(line).join("") });
      set(target, {
        d: [0, 1, 2]
          .map((axis) => line(SIGNS.map((sign) => [0, 1, 2].map((i) => (i === axis ? sign * 0.05 : 0)))))
          .join(""),
      });
      set(expert, { d: state.pilot === "expert" ? "" : line(unpack(table.expert).position) });
      set(all, { d: line(flight.position) });
      set(flown, { d: line(flight.position.slice(0, step + 1)) });
      const here = flight.position[step];
      set(plumb, { d: line([here, [here[0], here[1], -HALF_WIDTH]]) });
      const turned = (point) => plus(here, rotated(flight.attitude[step], point));
      const motors = MOTORS.map(turned);
      set(arms, { d: line([motors[0], motors[2]]) + line([motors[1], motors[3]]) });
      const rotor = (motor) => line(CIRCLE.map((point) => turned(plus(MOTORS[motor], point))));
      set(front, { d: rotor(0) + rotor(3) });
      set(back, { d: rotor(1) + rotor(2) });
      const distance = Math.sqrt(here.reduce((total, value) => total + value * value, 0));
      words.textContent = `${(step * SECONDS_PER_STEP).toFixed(2)} s, ${Math.round(100 * distance)} cm from the target`;
    };
  }

  // ---- Spikes and motors over time, one play head through all.
  function traces(canvas, box) {
    const { left, top, width, row } = box;
    const rows = 16; // neurons shown of each layer
    const layerHeight = rows * row;
    const names = ["first hidden layer", "second", "third"];
    const frames = names.map((title, layer) =>
      panel(canvas, {
        left,
        top: top + layer * (layerHeight + 24),
        width,
        height: layerHeight,
        x: [0, SECONDS],
        y: [0, 1],
        title,
      }),
    );
    const motor = panel(canvas, {
      left,
      top: frames[2].bottom + 28,
      width,
      height: 54,
      x: [0, SECONDS],
      y: [-1, 1],
      xTicks: [0, 1, 2, 3],
      xLabel: "time (s)",
      title: "motor commands",
    });
    motor.setY([-1, 1], [-1, 0, 1]);
    const over = svg(canvas, "rect", { y: top, height: motor.bottom - top, class: "snnsg-window" });
    const later = svg(canvas, "path", { class: "snnsg-ticks snnsg-pale" });
    const sofar = svg(canvas, "path", { class: "snnsg-ticks" });
    const commands = svg(canvas, "path", { class: "snnsg-input" });
    const ended = svg(canvas, "text", {
      y: frames[0].top + layerHeight / 2,
      class: "snnsg-note",
      "text-anchor": "middle",
    });
    const silent = svg(canvas, "text", {
      x: left + width / 2,
      y: frames[1].top + layerHeight / 2,
      class: "snnsg-note",
      "text-anchor": "middle",
    });
    const head = svg(canvas, "line", { y1: top, y2: motor.bottom, class: "snnsg-head" });
    let shown = null,
      ticks = [];

    // A tick for each neuron and step, taller for more spikes of the step's forward passes.
    function tick(digit, index, step) {
      if (digit === "0") return "";
      const frame = frames[Math.floor(index / rows)];
      const middle = frame.top + row * ((index % rows) + 0.5);
      const half = row * (0.2 + 0.1 * Number(digit));
      return `M${frame.xAt(step * SECONDS_PER_STEP).toFixed(1)} ${(middle - half).toFixed(1)}v${(2 * half).toFixed(1)}`;
    }
    function lay(flight) {
      const { steps, motors } = unpack(flight);
      const digits = Array.from({ length: steps }, (_, step) => [
        ...flight.spikes.slice(LAYERS * rows * step, LAYERS * rows * (step + 1)),
      ]);
      ticks = digits.map((own, step) => own.map((digit, index) => tick(digit, index, step)).join(""));
      set(later, { d: ticks.join("") });
      set(commands, {
        d: motors
          .map((values) =>
            path(values.map((value, step) => [motor.xAt(step * SECONDS_PER_STEP), motor.yAt(clamp(value, -1, 1))])),
          )
          .join(""),
      });
      const end = motor.xAt(steps * SECONDS_PER_STEP);
      set(over, { x: end, width: Math.max(0, motor.right - end) });
      set(ended, { x: (end + motor.right) / 2 });
      ended.textContent = motor.right - end > 80 ? "flight over" : "";
      silent.textContent = flight.spikes ? "" : "the expert has no neurons";
    }
    const draw = (state, table) => {
      const flight = chosen(state, table);
      if (shown !== flight) lay((shown = flight));
      const step = stepAt(state.time, unpack(flight).steps);
      set(sofar, { d: ticks.slice(0, step + 1).join("") });
      const x = motor.xAt(step * SECONDS_PER_STEP);
      set(head, { x1: x, x2: x });
    };
    return { draw, bottom: motor.bottom + 44 };
  }

  // ---- Playing. Where motion is unwanted, the button and the space key move on by a tenth of a second instead.
  function makePlayer(table) {
    const still = matchMedia("(prefers-reduced-motion: reduce)");
    let state = null,
      canvas = null,
      playing = false,
      last = 0,
      time = 0;
    const end = () => unpack(chosen(state, table)).steps * SECONDS_PER_STEP;
    const rounded = (seconds) => Math.round(seconds / SECONDS_PER_STEP) * SECONDS_PER_STEP;
    function run(now, change) {
      if (!playing || !canvas.isConnected) return;
      // A page that was hidden goes on where it was; the first frame may have begun before the press.
      time += Math.max(0, Math.min(0.1, (now - last) / 1000));
      last = now;
      if (time >= end() || still.matches) playing = false;
      change("time", Math.min(SECONDS, rounded(Math.min(time, end()))));
      requestAnimationFrame((next) => run(next, change));
    }
    function press(change) {
      const from = state.time + SECONDS_PER_STEP / 2 >= end() - SECONDS_PER_STEP ? 0 : state.time;
      if (still.matches)
        return change("time", Math.min(SECONDS, rounded(from === 0 && state.time > 0 ? 0 : from + 0.1)));
      playing = !playing;
      [time, last] = [from, performance.now()];
      change("time", playing ? from : state.time);
      if (playing) requestAnimationFrame((now) => run(now, change));
    }
    return {
      press,
      buttons: { play: { press, text: () => (still.matches ? "Step on" : playing ? "Pause" : "Play") } },
      follow(now, where) {
        // A hand on the time slider moves the play head.
        if (playing && state && Math.abs(now.time - rounded(time)) > 2 * SECONDS_PER_STEP) time = now.time;
        [state, canvas] = [now, where];
      },
      get state() {
        return state;
      },
      get canvas() {
        return canvas;
      },
    };
  }

  const TURNS = { ArrowLeft: [-5, 0], ArrowRight: [5, 0], ArrowUp: [0, 5], ArrowDown: [0, -5] };
  function turn(state, change, right, up) {
    change("azimuth", ((((Math.round(state.azimuth + right) + 180) % 360) + 360) % 360) - 180);
    change("elevation", clamp(Math.round(state.elevation + up), -10, 90));
  }
  function key(event, change, player) {
    const busy = event.target.closest("button, select, summary");
    if (event.key === " " && !busy) {
      event.preventDefault();
      player.press(change);
    }
    if (event.target === player.canvas && event.key in TURNS) {
      event.preventDefault();
      turn(player.state, change, ...TURNS[event.key]);
    }
  }
  function draggable(view, { own: player, change, drag }) {
    let from = null;
    const begin = (event) => {
      from = { x: event.clientX, y: event.clientY, azimuth: player.state.azimuth, elevation: player.state.elevation };
    };
    const move = (event) => turn(from, change, (from.x - event.clientX) / 2, (event.clientY - from.y) / 2);
    drag(view, { begin, move });
  }
  function start(table) {
    const player = makePlayer(table);
    player.key = (event, change) => key(event, change, player);
    return player;
  }

  function chart(canvas, width, page) {
    const { table, own: player } = page;
    const narrow = width < 560;
    const size = narrow ? width : Math.min(400, Math.floor(width * 0.52));
    const view = { left: 0, top: 0, size };
    const drawSpace = space(canvas, view);
    const left = narrow ? 26 : size + 40;
    const side = traces(canvas, { left, top: narrow ? size + 84 : 26, width: width - left - 12, row: narrow ? 4 : 5 });
    draggable(svg(canvas, "rect", { x: 0, y: 0, width: size, height: size, class: "snnsg-view" }), page);
    set(canvas, { tabindex: 0 });
    function draw(state) {
      player.follow(state, canvas);
      canvas.style.setProperty(
        "--snnsg-now",
        state.pilot === "expert" ? "var(--snnsg-truth)" : slopeColour(Number(state.slope)),
      );
      drawSpace(state, table);
      side.draw(state, table);
    }
    return { draw, height: Math.max(side.bottom, size + 60) };
  }

  globalThis.snnsg.explorers.flight = {
    start,
    chart,
    sentence,
    unpack: (state, table) => unpack(chosen(state, table)),
    projected: (point, azimuth, elevation) => projection(azimuth, elevation)(point),
    stepAt,
  };
})();
