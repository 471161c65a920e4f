// Neuron explorer: a leaky integrate-and-fire neuron, and how much of the loss each step of its input hears.
(() => {
  "use strict";
  const { derivative, svg, set, path, number, slopeColour, panel } = globalThis.snnsg.core;
  const NUM_STEPS = 50;
  const CUTOFF = 0.01; // an input is reached if it gets more than this share of the peak gradient
  const LOSSES = { "last step": 1, "last 10 steps": 10, "all steps": NUM_STEPS };

  // `table.noise` holds one standard normal number for each step.
  const inputCurrent = ({ current, noise, input }, table) =>
    table.noise.map((z, t) => (input === "pulses" && t % 10 >= 5 ? 0 : current) + noise * z);

  // Forward: mem = beta * mem + current - reset * threshold; backward: exact backpropagation through time, the reset held constant,
  // of loss = number of spikes in the last steps. Both as in snn.Leaky.
  function simulate(state, table) {
    const { beta, threshold, slope, family, reset_mechanism: reset } = state;
    const current = inputCurrent(state, table);
    const mem = [],
      spk = [];
    let before = 0;
    for (const now of current) {
      const fired = before - threshold > 0 ? 1 : 0;
      if (reset === "zero") before = (1 - fired) * before;
      before = beta * before + now - (reset === "subtract" ? fired * threshold : 0);
      mem.push(before);
      spk.push(before - threshold > 0 ? 1 : 0);
    }
    const gradient = new Array(NUM_STEPS);
    let later = 0;
    for (let t = NUM_STEPS - 1; t >= 0; t--) {
      const counted = t >= NUM_STEPS - LOSSES[state.loss] ? 1 : 0;
      const carry = reset === "zero" ? beta * (1 - spk[t]) : beta;
      later = counted * derivative(family, slope, "peak", mem[t] - threshold) + carry * later;
      gradient[t] = later;
    }
    return { current, mem, spk, gradient };
  }
  const count = (list, test) => list.filter(test).length;

  const FLOOR = 1e-3; // the gradient's axis is logarithmic and ends here
  const TOPS = [0.25, 0.5, 1, 2, 5, 10, 20, 50, 100];
  const above = (value) => TOPS.find((top) => value <= top) ?? 200;

  function chart(canvas, width, { table }) {
    const left = 44;
    const frame = { left, width: width - left - 10, x: [0.5, NUM_STEPS + 0.5] };
    const input = panel(canvas, { ...frame, top: 34, height: 48, y: [0, 1], title: "input current" });
    const neuron = panel(canvas, {
      ...frame,
      top: input.bottom + 64,
      height: 110,
      y: [0, 1],
      title: "membrane potential",
    });
    // The title of this panel stands above the row of spikes.
    canvas.lastChild.previousSibling.setAttribute("y", neuron.top - 33);
    const back = panel(canvas, {
      ...frame,
      top: neuron.bottom + 42,
      height: 116,
      y: [FLOOR, 10],
      logY: true,
      xTicks: [1, 10, 20, 30, 40, 50],
      xLabel: "time step",
      title: "gradient of the loss for each input",
    });

    const window = svg(canvas, "rect", {
      y: neuron.top - 26,
      height: back.bottom - neuron.top + 26,
      class: "snnsg-window",
    });
    const windowText = svg(canvas, "text", {
      x: neuron.right,
      y: neuron.top - 33,
      class: "snnsg-note",
      "text-anchor": "end",
    });
    const currentLine = svg(canvas, "path", { class: "snnsg-input" });
    const rule = svg(canvas, "line", { x1: neuron.left, x2: neuron.right, class: "snnsg-threshold" });
    const ruleText = svg(canvas, "text", { x: neuron.left + 4, class: "snnsg-note snnsg-halo" });
    const memLine = svg(canvas, "path", { class: "snnsg-line" });
    const ticks = svg(canvas, "path", { class: "snnsg-spikes" });
    const faint = svg(canvas, "path", { class: "snnsg-bars snnsg-faint" });
    const strong = svg(canvas, "path", { class: "snnsg-bars" });
    const outline = svg(canvas, "path", { class: "snnsg-curve" });
    const cut = back.yAt(CUTOFF);
    svg(canvas, "line", { x1: back.left, x2: back.right, y1: cut, y2: cut, class: "snnsg-threshold" });
    svg(canvas, "text", { x: back.left + 4, y: cut - 5, class: "snnsg-note snnsg-halo" }, "1 % of the peak");
    const x = input.xAt;

    // Time is discrete: one bar for each step, merged into an area.
    function bars(gradient, from, to) {
      const shown = gradient.map((g, t) => (g > from && g <= to ? t : -1)).filter((t) => t >= 0);
      return shown
        .map(
          (t) =>
            `M${x(t + 0.5).toFixed(1)} ${back.bottom}V${back.yAt(gradient[t]).toFixed(1)}H${x(t + 1.5).toFixed(1)}V${back.bottom}`,
        )
        .join("");
    }
    function draw(state) {
      const { current, mem, spk, gradient } = simulate(state, table);
      canvas.style.setProperty("--snnsg-now", slopeColour(state.slope));
      const [low, high] = [Math.min(...current), above(Math.max(...current, 0.2))];
      const under = low < 0 ? -above(-low) : 0;
      input.setY([under, high], [...new Set([under, 0, high])]);
      const steps = current.flatMap((value, t) => [
        [x(t + 0.5), input.yAt(value)],
        [x(t + 1.5), input.yAt(value)],
      ]);
      set(currentLine, { d: path(steps) });

      const top = above(1.05 * Math.max(state.threshold, ...mem));
      const bottom = Math.min(...mem) < 0 ? -above(-Math.min(...mem)) : 0;
      neuron.setY([bottom, top], [bottom < 0 ? bottom : top / 2, 0, top]);
      set(memLine, { d: path(mem.map((value, t) => [x(t + 1), neuron.yAt(value)])) });
      const level = neuron.yAt(state.threshold);
      set(rule, { y1: level, y2: level });
      set(ruleText, { y: level - 5 });
      ruleText.textContent = `threshold ${number(state.threshold, 3)}`;
      set(ticks, { d: spk.map((s, t) => (s ? `M${x(t + 1).toFixed(1)} ${neuron.top - 22}v16` : "")).join("") });

      const first = NUM_STEPS - LOSSES[state.loss];
      set(window, { x: x(first + 0.5), width: x(NUM_STEPS + 0.5) - x(first + 0.5) });
      windowText.textContent = `loss: ${state.loss}`;
      const roof = state.loss === "all steps" ? 100 : 10;
      back.setY(
        [FLOOR, roof],
        [0.001, 0.01, 0.1, 1, 10, 100].filter((tick) => tick <= roof),
      );
      set(faint, { d: bars(gradient, FLOOR, CUTOFF) });
      set(strong, { d: bars(gradient, CUTOFF, Infinity) });
      const tops = gradient.map((g) => back.yAt(Math.max(g, FLOOR)));
      set(outline, {
        d: path(
          tops.flatMap((y, t) => [
            [x(t + 0.5), y],
            [x(t + 1.5), y],
          ]),
        ),
      });
    }
    return { draw, height: back.bottom + 44 };
  }

  function sentence(state, table) {
    const { spk, gradient } = simulate(state, table);
    const spikes = count(spk, (s) => s > 0);
    const reached = count(gradient, (g) => g > CUTOFF);
    const times = spikes === 1 ? "once" : `${spikes} times`;
    const fires = spikes ? `spikes ${times}` : "is silent";
    const loss = `The loss, its spikes in ${state.loss === "all steps" ? "" : "the "}${state.loss},`;
    const back = reached
      ? `reaches ${reached} of ${NUM_STEPS} inputs with more than 1 % of the peak gradient`
      : `reaches none of the ${NUM_STEPS} inputs with more than 1 % of the peak gradient: there is next to nothing to learn from`;
    return `At k = ${number(state.slope, 3)} the neuron ${fires}. ${loss} ${back}.`;
  }

  globalThis.snnsg.explorers.neuron = { chart, sentence, simulate };
})();
