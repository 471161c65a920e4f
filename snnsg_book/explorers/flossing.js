// Flossing explorer: stored runs, the spectrum of exponents over the gradient steps with the accuracy beside it.
(() => {
  "use strict";
  const { svg, set, clamp, number, whole, fixed, path, slopeColour, panel } = globalThis.snnsg.core;

  // `table.steps` are the checkpoints; `table.runs[task][arm][slope][network]` holds accuracies in per cent, largest exponents in
  // thousandths, and a text: for each checkpoint by how many hundredths each exponent is lower than the one before it, as letters from "A".
  const LEADING = 32;
  const OTHERS = 96;
  const SUM = -96;
  const CHANCE = 50;

  function unpack([accuracy, first, drops]) {
    const exponents = first.map((largest, at) => {
      let value = Math.floor((largest + 5) / 10);
      const falls = Array.from(
        drops.slice(at * (LEADING - 1), (at + 1) * (LEADING - 1)),
        (letter) => letter.charCodeAt(0) - 65,
      );
      return [largest, ...falls.map((fall) => 10 * (value -= fall))];
    });
    return { accuracy, first, exponents }; // exponents in thousandths
  }
  const stored = ({ task, arm, slope }, table) => table.runs[task][arm][table.slopes.indexOf(slope)];
  const last = (task, table) => table.steps.indexOf(table.tasks[task].last);
  const checkpoint = ({ step, task }, table) => table.steps.indexOf(Math.min(step, table.tasks[task].last));
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  // What the sum of all exponents leaves to those that were not recorded.
  const others = (exponents) => (SUM - sum(exponents) / 1000) / OTHERS;

  const hundredths = (thousandths) => fixed(whole(thousandths / 10) / 100, 2);
  function when(step, { task, arm }, table) {
    if (step === 0) return "Before the first gradient step";
    const share = step === table.tasks[task].last ? `all ${step}` : `${step} of ${table.tasks[task].last}`;
    const done = sum(table.arms[arm].blocks.map(([from, to]) => clamp(step - from, 0, to - from)));
    const count = done === step ? "all" : done || "none";
    return `After ${share} gradient steps${table.arms[arm].flossed ? `, ${count} of them flossing,` : ""}`;
  }
  function sixteen(count, start, now) {
    if (count < 2) return "";
    const [mean, was] = [now, start].map((exponents) => hundredths(sum(exponents.slice(0, count)) / count));
    const words = ` The ${count} to be flossed have a mean of ${mean}`;
    return now === start ? `${words}.` : `${words}, at first ${was}.`;
  }
  function sentence(state, table) {
    const { accuracy, exponents } = unpack(stored(state, table)[Number(state.network) - 1]);
    const at = checkpoint(state, table);
    const [start, now] = [exponents[0], exponents[at]];
    const growth = whole((now[0] * table.tasks[state.task].length) / 100) / 10;
    const largest = `the largest exponent of network ${state.network} is ${hundredths(now[0])} per step`;
    const was = at ? `; it was ${hundredths(start[0])} at the start` : "";
    return `${when(table.steps[at], state, table)} ${largest}${was}.${sixteen(table.arms[state.arm].flossed, start, now)} That exponent alone multiplies a gradient by e to the ${fixed(growth, 1)} over the ${table.tasks[state.task].length} steps of a trial. The network answers ${accuracy[at]} % right.`;
  }

  // ---- Playing: from checkpoint to checkpoint. Where motion is unwanted, the button moves on by one of them instead.
  function start(table) {
    const still = matchMedia("(prefers-reduced-motion: reduce)");
    let state = null,
      canvas = null,
      playing = false,
      timer = 0;
    const at = () => checkpoint(state, table),
      end = () => last(state.task, table);
    const go = (change, place) => change("step", table.steps[place]);
    function wait(change) {
      clearTimeout(timer);
      if (playing) timer = setTimeout(run, 300, change);
    }
    function run(change) {
      if (!canvas.isConnected) return;
      const next = Math.min(at() + 1, end());
      playing = next < end();
      go(change, next);
      wait(change);
    }
    function press(change) {
      if (still.matches) return go(change, at() === end() ? 0 : at() + 1);
      playing = !playing;
      go(change, playing && at() === end() ? 0 : at());
      wait(change);
    }
    const text = () => (still.matches ? "Step on" : playing ? "Pause" : "Play");
    return {
      buttons: { play: { press, text } },
      follow(now, where) {
        [state, canvas] = [now, where];
      },
    };
  }

  // ---- The picture: the spectrum; beside it, or on narrow screens below, accuracy and largest exponent over the steps.
  const circle = (x, y, r) =>
    `M${(x - r).toFixed(1)} ${y.toFixed(1)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;
  const every = (by, low, high) =>
    Array.from({ length: 41 }, (_, i) => Math.round(100 * by * (i - 20)) / 100).filter(
      (tick) => tick >= low && tick <= high,
    );

  function makeSpectrum(canvas, box, table) {
    const p = panel(canvas, {
      ...box,
      x: [0, LEADING + 2],
      y: [-1, 0],
      title: "32 leading exponents, per step",
      xTicks: [1, 8, 16, 24, 32],
      xLabel: "number, the largest first",
    });
    const zero = svg(canvas, "line", { x1: p.left, x2: p.right, class: "snnsg-threshold" });
    const neither = svg(
      canvas,
      "text",
      { x: p.right, class: "snnsg-note snnsg-halo", "text-anchor": "end" },
      "0: neither grows nor dies",
    );
    const [ghost, dots, flossed] = ["snnsg-input", "snnsg-marker", "snnsg-flossed"].map((name) =>
      svg(canvas, "path", { class: name }),
    );
    const rest = svg(canvas, "path", { class: "snnsg-spikes" });
    const restText = [`mean of the other ${OTHERS}:`, ""].map((text, row) =>
      svg(
        canvas,
        "text",
        { x: p.right, class: row ? "snnsg-value snnsg-halo" : "snnsg-note snnsg-halo", "text-anchor": "end" },
        text,
      ),
    );
    const keys = ["snnsg-input", "snnsg-marker", "snnsg-flossed"].map((name, row) => {
      const y = p.bottom - 48 + 18 * row;
      const mark = svg(canvas, "path", { d: circle(p.left + 10, y, row === 2 ? 4 : 2.8), class: name });
      return { mark, text: svg(canvas, "text", { x: p.left + 20, y: y + 4, class: "snnsg-note snnsg-halo" }) };
    });
    return ({ arm }, step, start, now, all) => {
      const high = Math.max(100, ...all.flatMap(({ exponents }) => exponents.flat())) / 1000 + 0.08;
      p.setY([-1.22, high], every(0.2, -1, high));
      const ring = (exponents, r) => exponents.map((value, i) => circle(p.xAt(i + 1), p.yAt(value / 1000), r)).join("");
      set(zero, { y1: p.yAt(0), y2: p.yAt(0) });
      set(neither, { y: p.yAt(0) - 7 });
      set(ghost, { d: ring(start, 2.8) });
      set(dots, { d: ring(now, 2.8) });
      set(flossed, { d: ring(now.slice(0, table.arms[arm].flossed), 4) });
      const y = p.yAt(others(now));
      set(rest, {
        d: path([
          [p.xAt(LEADING), y],
          [p.right, y],
        ]),
      });
      for (const [row, text] of restText.entries()) set(text, { y: y + 18 + 17 * row });
      restText[1].textContent = fixed(others(now), 3);
      const words = [
        "at the start",
        step ? `after ${step} steps` : "",
        table.arms[arm].flossed
          ? table.arms[arm].flossed > 1
            ? `the ${table.arms[arm].flossed} flossed`
            : "the one flossed"
          : "",
      ];
      keys.forEach(({ mark, text }, row) => {
        text.textContent = words[row];
        set(mark, { visibility: words[row] ? "visible" : "hidden" });
      });
    };
  }

  // Values of all networks over the steps; the chosen one is drawn last, on top.
  function makeCurves(canvas, box, table, { title, level, word, domain }) {
    const p = panel(canvas, { ...box, x: [0, 1], y: [0, 1], title });
    const shades = [0, 1].map(() => svg(canvas, "rect", { y: p.top, height: p.height, class: "snnsg-window" }));
    const rule = svg(canvas, "line", { x1: p.left, x2: p.right, class: "snnsg-threshold" });
    const label = svg(canvas, "text", { x: p.right - 6, class: "snnsg-note snnsg-halo", "text-anchor": "end" }, word);
    const thin = svg(canvas, "path", { class: "snnsg-curve snnsg-faint" });
    const curve = svg(canvas, "path", { class: "snnsg-curve" });
    const head = svg(canvas, "line", { y1: p.top, y2: p.bottom, class: "snnsg-head" });
    const dot = svg(canvas, "circle", { r: 4, class: "snnsg-flossed" });
    function draw({ arm, network }, at, steps, values) {
      const x = (step) => p.left + (p.width * step) / steps.at(-1);
      p.setY(...domain(values.flat()));
      shades.forEach((shade, i) => {
        const [from, to] = table.arms[arm].blocks[i] ?? [0, 0];
        set(shade, { x: x(from), width: x(to) - x(from) });
      });
      set(rule, { y1: p.yAt(level), y2: p.yAt(level) });
      set(label, { y: p.yAt(level) + 16 });
      const line = (run) => path(run.map((value, i) => [x(steps[i]), p.yAt(value)]));
      const chosen = Number(network) - 1;
      set(thin, { d: values.map((run, i) => (i === chosen ? "" : line(run))).join("") });
      set(curve, { d: line(values[chosen]) });
      set(head, { x1: x(steps[at]), x2: x(steps[at]) });
      set(dot, { cx: x(steps[at]).toFixed(1), cy: p.yAt(values[chosen][at]).toFixed(1) });
      return x;
    }
    return { draw, panel: p };
  }

  function chart(canvas, width, { table, own: player, change, drag }) {
    const narrow = width < 560;
    const half = Math.round(narrow ? width - 44 - 14 : width * 0.46 - 44);
    const drawSpectrum = makeSpectrum(canvas, { left: 44, top: 28, width: half, height: narrow ? 236 : 330 }, table);
    const box = narrow ? { left: 44, width: half } : { left: 44 + half + 62, width: width - half - 44 - 62 - 16 };
    const accuracy = makeCurves(
      canvas,
      { ...box, top: narrow ? 28 + 236 + 72 : 28, height: narrow ? 96 : 138 },
      table,
      {
        title: "accuracy in per cent",
        level: CHANCE,
        word: "chance",
        domain: (values) => [
          [Math.min(35, ...values) - 2, 103],
          [50, 75, 100],
        ],
      },
    );
    const largest = makeCurves(canvas, { ...box, top: accuracy.panel.bottom + 44, height: narrow ? 96 : 148 }, table, {
      title: "largest exponent",
      level: 0,
      word: "",
      domain: (values) => {
        const [low, high] = [Math.min(-0.05, ...values) - 0.04, Math.max(0.05, ...values) + 0.04];
        return [[low, high], every(high - low > 0.6 ? 0.2 : 0.1, low, high)];
      },
    });
    const { left, right, bottom } = largest.panel;
    const scale = svg(canvas, "g");
    svg(
      canvas,
      "text",
      { x: (left + right) / 2, y: bottom + 36, class: "snnsg-label", "text-anchor": "middle" },
      "gradient steps",
    );
    const flossing = svg(canvas, "text", { y: accuracy.panel.top + 14, class: "snnsg-note snnsg-halo" }, "flossing");
    for (const p of [accuracy.panel, largest.panel]) {
      const handle = svg(canvas, "rect", {
        x: left,
        y: p.top,
        width: p.width,
        height: p.height,
        class: "snnsg-handle",
      });
      drag(handle, { begin: pull, move: pull });
    }
    let shown = null,
      cell = "",
      steps = [];
    // To the nearest checkpoint.
    function pull(event) {
      const step = ((event.clientX - canvas.getBoundingClientRect().left - left) / (right - left)) * steps.at(-1);
      change(
        "step",
        steps.reduce((best, one) => (Math.abs(one - step) < Math.abs(best - step) ? one : best)),
      );
    }
    function draw(state) {
      player.follow(state, canvas);
      const { task, arm, slope } = state;
      if (cell !== String([task, arm, slope])) {
        [cell, shown] = [String([task, arm, slope]), stored(state, table).map(unpack)];
        steps = table.steps.slice(0, last(task, table) + 1);
        canvas.style.setProperty("--snnsg-now", slopeColour(slope));
      }
      const at = checkpoint(state, table);
      const { exponents } = shown[Number(state.network) - 1];
      drawSpectrum(state, steps[at], exponents[0], exponents[at], shown);
      accuracy.draw(
        state,
        at,
        steps,
        shown.map((run) => run.accuracy),
      );
      const x = largest.draw(
        state,
        at,
        steps,
        shown.map(({ first }) => first.map((value) => value / 1000)),
      );
      set(flossing, {
        x: x(table.arms[arm].blocks[0]?.[0] ?? 0) + 4,
        visibility: table.arms[arm].flossed ? "visible" : "hidden",
      });
      scale.replaceChildren();
      for (let tick = 0; tick <= steps.at(-1); tick += steps.at(-1) / 4) {
        svg(scale, "line", { x1: x(tick), x2: x(tick), y1: bottom, y2: bottom + 4, class: "snnsg-axis" });
        svg(
          scale,
          "text",
          { x: x(tick), y: bottom + 18, class: "snnsg-tick", "text-anchor": "middle" },
          number(tick, 3),
        );
      }
    }
    return { draw, height: bottom + 44 };
  }

  globalThis.snnsg.explorers.flossing = { start, chart, sentence, unpack, others };
})();
