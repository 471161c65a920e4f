// Lyapunov explorer: a recurrent spiking network, its surrogate Lyapunov exponents and a small perturbation, computed in the page.
(() => {
  "use strict";
  const { svg, set, path, number, slopeColour, panel } = globalThis.snnsg.core;
  const MOST = 24; // neurons; all draws are for so many, so that a smaller network is a part of a larger one
  const NUM_STEPS = 160,
    TRANSIENT = 40,
    QR_INTERVAL = 5,
    NOISE = 0.5;

  // ---- The same numbers as in snnsg_book.explorers.lyapunov: mean 0, variance 1, from a linear congruential generator
  // that doubles hold exactly (constants of Numerical Recipes).
  const STREAMS = [
    ["weights", MOST * MOST],
    ["levels", MOST],
    ["noise", NUM_STEPS * MOST],
    ["tangents", 4 * MOST * MOST],
  ];
  const kept = {};
  function drawn(seed) {
    return (kept[seed] ??= Object.fromEntries(
      STREAMS.map(([name, count], stream) => {
        let whole = 4 * seed + stream;
        const next = () => {
          whole = (1664525 * whole + 1013904223) % 4294967296;
        };
        for (let i = 0; i < 10; i++) next(); // neighbouring seeds begin alike
        return [
          name,
          Float64Array.from({ length: count }, () => {
            next();
            return Math.sqrt(3) * (whole / 2147483648 - 1);
          }),
        ];
      }),
    ));
  }

  // ---- The network: syn = alpha syn + c (x + V' spikes), mem = beta mem + syn - spikes, threshold 1, c = 1 - beta.
  function makeNetwork({ gain, tau_mem, tau_syn, size, drive, seed }) {
    const alpha = Math.exp(-1 / tau_syn),
      beta = Math.exp(-1 / tau_mem),
      c = 1 - beta;
    const { weights, levels, noise } = drawn(seed);
    const scale = (c * gain) / Math.sqrt(size);
    // One row per neuron; an odd number of them gets a row of zeros, for pairs.
    const targets = Array.from({ length: size + (size % 2) }, (_, i) =>
      weights.slice(MOST * i, MOST * i + size).map((value) => (i < size ? scale * value : 0)),
    );
    // Levels lie within a half of the drive: where the potential of a neuron alone would settle.
    const input = (t, j) => c * (1 - alpha) * (drive + levels[j] / Math.sqrt(12) + NOISE * noise[t * MOST + j]);
    return { alpha, beta, targets, input, size };
  }

  // Potentials before each step, and spikes.
  function run({ alpha, beta, targets, input, size }) {
    const before = new Float64Array(NUM_STEPS * size),
      spikes = new Uint8Array(NUM_STEPS * size);
    const syn = new Float64Array(size),
      mem = new Float64Array(size);
    for (let t = 0; t < NUM_STEPS; t++) {
      before.set(mem, t * size);
      const fired = Array.from(mem, (value) => value - 1 > 0);
      for (let j = 0; j < size; j++) syn[j] = alpha * syn[j] + input(t, j);
      fired.forEach((fires, i) => {
        if (fires) for (let j = 0; j < size; j++) syn[j] += targets[i][j];
      });
      for (let j = 0; j < size; j++) {
        mem[j] = beta * mem[j] + syn[j] - (fired[j] ? 1 : 0);
        spikes[t * size + j] = mem[j] - 1 > 0 ? 1 : 0;
      }
    }
    return { before, spikes };
  }

  // ---- Tangent vectors are rows [syn | mem]. One step: syn' = alpha syn + (d mem) c V, mem' = beta mem + syn'.
  function push(tangents, { alpha, beta, targets, size }, before, slope, t) {
    const d = Float64Array.from({ length: size }, (_, i) => 1 / (1 + slope * Math.abs(before[t * size + i] - 1)) ** 2);
    const drive = new Float64Array(size);
    const through = new Float64Array(targets.length);
    for (const row of tangents) {
      for (let j = 0; j < size; j++) {
        drive[j] = alpha * row[j];
        through[j] = d[j] * row[size + j];
      }
      for (let i = 0; i < targets.length; i += 2) {
        // two neurons at once: faster by a third
        const [a, b, first, second] = [through[i], through[i + 1], targets[i], targets[i + 1]];
        for (let j = 0; j < drive.length; j++) drive[j] += a * first[j] + b * second[j];
      }
      for (let j = 0; j < size; j++) {
        row[j] = drive[j];
        row[size + j] = beta * row[size + j] + drive[j];
      }
    }
  }
  // Two sums at once: one alone waits for each addition before the next.
  function dot(a, b) {
    let even = 0,
      odd = 0;
    for (let j = 0; j < a.length; j += 2) {
      even += a[j] * b[j];
      odd += a[j + 1] * b[j + 1];
    }
    return even + odd;
  }
  // Make the rows orthonormal (Gram-Schmidt); return by what each had grown: the diagonal of R.
  function orthonormalise(rows) {
    return rows.map((row, m) => {
      for (let other = 0; other < m; other++) {
        const done = rows[other],
          share = dot(row, done);
        for (let j = 0; j < row.length; j++) row[j] -= share * done[j];
      }
      const growth = Math.sqrt(dot(row, row));
      for (let j = 0; j < row.length; j++) row[j] /= growth;
      return growth;
    });
  }

  // Exponents per step after the transient, and ln of the size of the first tangent vector before each step and after the last.
  function simulate(state) {
    const network = makeNetwork(state);
    const { before, spikes } = run(network);
    const width = 2 * state.size;
    const draw = drawn(state.seed).tangents;
    const tangents = Array.from({ length: width }, (_, m) => draw.slice(2 * MOST * m, 2 * MOST * m + width));
    orthonormalise(tangents);
    const sums = new Float64Array(width);
    const sizes = [0];
    let kept = 0;
    for (let t = 0; t < NUM_STEPS; t++) {
      push(tangents, network, before, state.slope, t);
      sizes.push(kept + Math.log(dot(tangents[0], tangents[0])) / 2);
      if ((t + 1) % QR_INTERVAL) continue;
      const growth = orthonormalise(tangents);
      kept += Math.log(growth[0]);
      if (t >= TRANSIENT)
        growth.forEach((value, m) => {
          sums[m] += Math.log(value);
        });
    }
    const exponents = Array.from(sums, (sum) => sum / (NUM_STEPS - TRANSIENT));
    const sum = exponents.reduce((total, value) => total + value, 0);
    return {
      exponents,
      sum,
      expected: state.size * Math.log(network.alpha * network.beta),
      sizes,
      spikes: Array.from(spikes),
    };
  }
  // Picture and sentence of one state ask for the same numbers.
  let last = { key: "" };
  function solved(state) {
    const key = JSON.stringify(state);
    if (last.key !== key) last = { key, ...simulate(state) };
    return last;
  }

  const fixed = (value, digits) =>
    value
      .toFixed(digits)
      .replace(/^-(0\.0*)$/, "$1")
      .replace("-", "−");
  function sentence(state) {
    const {
      exponents: [first],
      sum,
      expected,
    } = solved(state);
    const alone = number(Math.max(state.tau_mem, state.tau_syn), 3);
    const inside = `in a neuron alone it shrinks so in ${alone}`;
    const steps = number(1 / Math.abs(first));
    const fate =
      Math.abs(first) * NUM_STEPS < 1
        ? `a small perturbation neither grows nor dies within the trial; in a neuron alone it shrinks by a factor e in ${alone} steps`
        : `a small perturbation ${first < 0 ? "shrinks" : "grows"} by a factor e in ${steps} steps; ${inside}`;
    return `At k = ${number(state.slope, 3)} the largest exponent is ${fixed(first, 3)} per step: ${fate}. All ${2 * state.size} exponents add up to ${fixed(sum, 4)}; N ln(αβ) is ${fixed(expected, 4)}.`;
  }

  // ---- The picture: the spectrum, and beside it (on narrow screens below it) spikes and the perturbation.
  const STEPS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100];
  function ticksOf(low, high, most) {
    const step = STEPS.find((size) => (high - low) / size <= most) ?? 200;
    const first = Math.ceil(low / step - 1e-9);
    return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) =>
      Number(((first + i) * step).toFixed(2)),
    );
  }
  const circle = (x, y, r) =>
    `M${(x - r).toFixed(1)} ${y.toFixed(1)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;

  function chart(canvas, width) {
    const narrow = width < 520;
    const left = 44,
      gap = 54;
    const half = narrow ? width - left - 12 : Math.floor((width - left - gap - 12) * 0.46);
    const beside = narrow ? { left, width: half } : { left: left + half + gap, width: width - left - half - gap - 12 };
    const frame = { left, top: 30, width: half, height: narrow ? 210 : 292 };
    const indices = svg(canvas, "g");
    const spectrum = panel(canvas, {
      ...frame,
      x: [0, 1],
      y: [-1, 0],
      title: "Lyapunov exponents per step",
      xLabel: "m, the largest first",
    });
    const top = narrow ? spectrum.bottom + 74 : 30;
    const raster = panel(canvas, { ...beside, top, height: 78, x: [0, NUM_STEPS], y: [0, 1], title: "spikes" });
    const growth = panel(canvas, {
      ...beside,
      top: raster.bottom + 36,
      height: narrow ? 150 : 178,
      x: [0, NUM_STEPS],
      y: [-1, 0],
      title: "ln of a small perturbation’s size",
      xTicks: [0, 40, 80, 120, 160],
      xLabel: "time step",
    });

    const zero = svg(canvas, "line", { x1: spectrum.left, x2: spectrum.right, class: "snnsg-threshold" });
    const alone = svg(canvas, "path", { class: "snnsg-truth" });
    const dots = svg(canvas, "path", { class: "snnsg-marker" });
    const aloneText = svg(
      canvas,
      "text",
      { x: spectrum.right, class: "snnsg-note snnsg-halo", "text-anchor": "end" },
      "without coupling",
    );
    const law = ["sum of all", "N ln(αβ)", "difference"].map((name, row) => {
      const y = spectrum.bottom - 44 + 18 * row;
      svg(canvas, "text", { x: spectrum.left + 6, y, class: "snnsg-note snnsg-halo" }, name);
      return svg(canvas, "text", { x: spectrum.left + 174, y, class: "snnsg-value snnsg-halo", "text-anchor": "end" });
    });
    const ticks = svg(canvas, "path", { class: "snnsg-ticks" });
    svg(canvas, "rect", {
      x: growth.left,
      y: growth.top,
      width: growth.xAt(TRANSIENT) - growth.left,
      height: growth.height,
      class: "snnsg-window",
    });
    svg(canvas, "text", { x: growth.left + 4, y: growth.top + 14, class: "snnsg-note" }, "not counted");
    const forgets = svg(canvas, "path", { class: "snnsg-truth" });
    const curve = svg(canvas, "path", { class: "snnsg-curve" });
    const line = svg(canvas, "path", { class: "snnsg-head" });
    const lineText = svg(canvas, "text", {
      x: growth.right - 4,
      class: "snnsg-value snnsg-halo",
      "text-anchor": "end",
    });
    const forgetsText = svg(canvas, "text", { class: "snnsg-note snnsg-halo" }, "a neuron alone");

    function drawSpectrum({ size, tau_mem, tau_syn }, { exponents, sum, expected }) {
      const count = 2 * size;
      const [slow, fast] = [-1 / Math.max(tau_mem, tau_syn), -1 / Math.min(tau_mem, tau_syn)];
      const [highest, lowest] = [Math.max(0, ...exponents), Math.min(fast, ...exponents)];
      const span = highest - lowest;
      // Room for the three lines of numbers at the bottom.
      const domain = [highest + 0.06 * span - span * (narrow ? 1.55 : 1.36), highest + 0.06 * span];
      spectrum.setY(domain, ticksOf(lowest - 0.04 * span, domain[1], 7));
      const at = (m) => spectrum.left + (spectrum.width * (m - 0.5)) / count;
      indices.replaceChildren();
      for (const m of [1, size, count])
        svg(
          indices,
          "text",
          { x: at(m), y: spectrum.bottom + 18, class: "snnsg-tick", "text-anchor": "middle" },
          String(m),
        );
      set(zero, { y1: spectrum.yAt(0), y2: spectrum.yAt(0) });
      const radius = size > 12 ? 2.6 : 3.6;
      set(dots, { d: exponents.map((value, m) => circle(at(m + 1), spectrum.yAt(value), radius)).join("") });
      set(alone, {
        d: path([
          [at(0.5), spectrum.yAt(slow)],
          [at(size + 0.5), spectrum.yAt(slow)],
          [at(size + 0.5), spectrum.yAt(fast)],
          [at(count + 0.5), spectrum.yAt(fast)],
        ]),
      });
      set(aloneText, { y: spectrum.yAt(slow) - 6 });
      const off = Math.abs(sum - expected);
      [fixed(sum, 6), fixed(expected, 6), off < 1e-9 ? "< 10⁻⁹" : number(off, 1)].forEach((text, row) => {
        law[row].textContent = text;
      });
    }
    function drawGrowth({ tau_mem, tau_syn }, { exponents: [first], sizes }) {
      const [low, high] = [Math.min(-2, ...sizes), Math.max(2, ...sizes)];
      const [bottom, roof] = [low - 0.12 * (high - low), high + 0.14 * (high - low)];
      growth.setY([bottom, roof], ticksOf(bottom, roof, 5));
      const point = (t, value) => [growth.xAt(t), growth.yAt(value)];
      set(curve, { d: path(sizes.map((value, t) => point(t, value))) });
      set(line, { d: path([point(TRANSIENT, sizes[TRANSIENT]), point(NUM_STEPS, sizes[NUM_STEPS])]) });
      // A neuron alone, as far as the panel goes.
      const slowest = Math.max(tau_mem, tau_syn);
      const end = Math.min(NUM_STEPS, -slowest * bottom);
      set(forgets, { d: path([point(0, 0), point(end, -end / slowest)]) });
      const [x, y] = point(end, -end / slowest);
      const right = x + 106 < growth.right;
      set(forgetsText, { x: right ? x + 6 : x - 10, y: y - 8, "text-anchor": right ? "start" : "end" });
      set(lineText, { y: first > 0 ? growth.bottom - 28 : growth.top + 14 });
      lineText.textContent = `slope λ₁ = ${fixed(first, 3)}`;
    }
    function draw(state) {
      const shown = solved(state);
      canvas.style.setProperty("--snnsg-now", slopeColour(state.slope));
      drawSpectrum(state, shown);
      const height = raster.height / state.size;
      const marks = shown.spikes.map((fires, at) => {
        if (!fires) return "";
        const [t, neuron] = [Math.floor(at / state.size), at % state.size];
        return `M${raster.xAt(t + 1).toFixed(1)} ${(raster.top + height * neuron).toFixed(1)}v${Math.max(1.6, 0.8 * height).toFixed(1)}`;
      });
      set(ticks, { d: marks.join("") });
      drawGrowth(state, shown);
    }
    return { draw, height: growth.bottom + 44 };
  }

  globalThis.snnsg.explorers.lyapunov = { chart, sentence, simulate };
})();
