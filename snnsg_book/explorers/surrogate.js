// Surrogate explorer: how far from the threshold a gradient exists, and which part of a population of neurons it meets.
(() => {
  "use strict";
  const { families, peak, derivative, primitive, svg, set, clamp, path, number, percent, slopeColour, panel } =
    globalThis.snnsg.core;
  const CUTOFF = 0.01; // a neuron is active if it gets more than this share of the peak gradient
  const SPAN = 2; // the membrane potentials shown: u = -2..2

  const halfWidth = (family, k) => families[family].reach(0.5) / k;
  const activeRange = (family, k) => families[family].reach(CUTOFF) / k;
  // Normal cumulative distribution by its power series; beyond 8 standard deviations it is 0 or 1 to double precision.
  function normalCdf(x) {
    if (Math.abs(x) > 8) return x > 0 ? 1 : 0;
    let term = x,
      sum = x;
    for (let i = 3; Math.abs(term) > 1e-17 * Math.abs(sum); i += 2) sum += term *= (x * x) / i;
    return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
  }
  function activeShare(family, k, mean, std) {
    const range = activeRange(family, k);
    return clamp(normalCdf((range - mean) / std) - normalCdf((-range - mean) / std), 0, 1);
  }

  // Points even over the panel, and more where the curve is steep: at multiples of 1 / k.
  const EVEN = Array.from({ length: 121 }, (_, i) => (i / 60 - 1) * SPAN);
  const NEAR = Array.from({ length: 61 }, (_, i) => Math.sinh((i / 30 - 1) * 4) / 9);
  const samples = (k, span) =>
    [...EVEN, ...NEAR.map((x) => x / k), -1 / k, 1 / k].filter((u) => Math.abs(u) <= span).sort((a, b) => a - b);
  const axisTop = (height) => (height <= 1 ? 1 : [2, 5, 10, 20, 50, 100].find((top) => height <= top));

  function chart(canvas, width, page) {
    const wide = width >= 560;
    const left = 38;
    const main = wide ? Math.round(width * 0.61) - left : width - left - 8;
    const upper = panel(canvas, {
      left,
      top: 34,
      width: main,
      height: wide ? 170 : 150,
      x: [-SPAN, SPAN],
      y: [0, 1],
      title: "surrogate derivative",
    });
    const lower = panel(canvas, {
      left,
      top: upper.bottom + 40,
      width: main,
      height: 76,
      x: [-SPAN, SPAN],
      y: [0, 1],
      title: "where the neurons are",
      xTicks: [-2, -1, 0, 1, 2],
      xLabel: "membrane potential − threshold, u",
    });
    const side = wide
      ? { left: left + main + 58, top: 34, width: width - left - main - 58 - 10, height: lower.bottom - 34 }
      : { left, top: lower.bottom + 80, width: main, height: 130 };
    const step = panel(canvas, {
      ...side,
      x: [-1, 1],
      y: [-0.05, 1.05],
      xTicks: [-1, 0, 1],
      xLabel: "u",
      title: "spike, smoothed",
    });
    step.setY([-0.05, 1.05], [0, 0.5, 1]);

    const bands = [upper, lower].map((p) => svg(canvas, "rect", { y: p.top, height: p.height, class: "snnsg-band" }));
    for (const p of [upper, lower])
      svg(canvas, "line", { x1: p.xAt(0), x2: p.xAt(0), y1: p.top, y2: p.bottom, class: "snnsg-threshold" });
    svg(
      canvas,
      "text",
      { x: upper.xAt(0) - 6, y: upper.top + 10, class: "snnsg-note snnsg-halo", "text-anchor": "end" },
      "threshold",
    );
    const hill = svg(canvas, "path", { class: "snnsg-area" });
    const width2 = svg(canvas, "path", { class: "snnsg-mark" });
    const widthText = svg(canvas, "text", { class: "snnsg-note snnsg-halo" });
    const people = svg(canvas, "path", { class: "snnsg-people" });
    const active = svg(canvas, "path", { class: "snnsg-area" });
    const shareText = svg(canvas, "text", { y: lower.top + 14, class: "snnsg-value snnsg-halo" });
    svg(canvas, "path", {
      d: path(
        [
          [-1, 0],
          [0, 0],
          [0, 1],
          [1, 1],
        ].map(([u, s]) => [step.xAt(u), step.yAt(s)]),
      ),
      class: "snnsg-truth",
    });
    const smooth = svg(canvas, "path", { class: "snnsg-curve" });
    svg(
      canvas,
      "text",
      { x: step.xAt(0) - 6, y: step.yAt(1) + 16, class: "snnsg-note", "text-anchor": "end" },
      "hard step",
    );
    const [stepText, stepSlope] = [0, 17].map((down) =>
      svg(canvas, "text", { x: step.right, y: step.yAt(0.25) + down, class: "snnsg-note", "text-anchor": "end" }),
    );

    // The population can also be dragged; the sliders do the same from the keyboard.
    const handle = svg(canvas, "rect", {
      x: lower.left,
      y: lower.top,
      width: lower.width,
      height: lower.height,
      class: "snnsg-handle",
    });
    const move = (event) => {
      const u = -SPAN + ((event.clientX - canvas.getBoundingClientRect().left - lower.left) / lower.width) * 2 * SPAN;
      page.change("mean", clamp(Math.round(u * 20) / 20, -1.5, 1.5));
    };
    page.drag(handle, { begin: move, move });

    function draw({ family, slope, normalization, mean, std }) {
      const colour = slopeColour(slope);
      const top = peak(family, slope, normalization);
      const limit = axisTop(top);
      upper.setY([0, limit * 1.06], [0, limit / 2, limit]);
      canvas.style.setProperty("--snnsg-now", colour);
      const curve = samples(slope, SPAN).map((u) => [
        upper.xAt(u),
        upper.yAt(derivative(family, slope, normalization, u)),
      ]);
      set(hill, { d: `${path(curve)}L${upper.right} ${upper.bottom}L${upper.left} ${upper.bottom}Z` });

      const half = halfWidth(family, slope);
      const y = upper.yAt(top / 2);
      const [a, b] = [Math.max(-half, -SPAN), Math.min(half, SPAN)].map(upper.xAt);
      set(width2, { d: `M${a} ${y - 4}v8M${a} ${y}H${b}M${b} ${y - 4}v8` });
      const room = upper.right - b > 116;
      set(widthText, { x: room ? b + 8 : upper.xAt(0) + 8, y: room ? y + 4 : y - 8 });
      widthText.textContent = `half-width ${number(half)}`;

      const range = Math.min(activeRange(family, slope), SPAN);
      for (const band of bands) set(band, { x: upper.xAt(-range), width: upper.xAt(range) - upper.xAt(-range) });
      const density = (u) => [lower.xAt(u), lower.yAt(0.92 * Math.exp(-0.5 * ((u - mean) / std) ** 2))];
      const hillOf = (from, to) => {
        const points = Array.from({ length: 121 }, (_, i) => density(from + ((to - from) * i) / 120));
        return `${path(points)}L${lower.xAt(to)} ${lower.bottom}L${lower.xAt(from)} ${lower.bottom}Z`;
      };
      set(people, { d: hillOf(-SPAN, SPAN) });
      set(active, { d: hillOf(-range, range) });
      const edge = lower.xAt(range) + 8;
      const fits = lower.right - edge > 110;
      set(shareText, { x: fits ? edge : lower.right - 4, "text-anchor": fits ? "start" : "end" });
      shareText.textContent = `${percent(activeShare(family, slope, mean, std))} active`;

      // Scaled to rise by one, whatever the normalisation: the shape is what approaches the step.
      set(smooth, {
        d: path(samples(slope, 1).map((u) => [step.xAt(u), step.yAt(0.5 + primitive(family, slope, "area", u))])),
      });
      stepText.textContent = families[family].label;
      stepSlope.textContent = `k = ${number(slope, 3)}`;
    }
    return { draw, height: step.bottom > lower.bottom ? step.bottom + 44 : lower.bottom + 44 };
  }

  function sentence({ family, slope, normalization, mean, std }) {
    const share = activeShare(family, slope, mean, std);
    const only = share < 0.25 ? "only " : "";
    const range = activeRange(family, slope);
    const height =
      normalization === "area"
        ? ` The area stays 1, so the peak is ${number(peak(family, slope, normalization), 3)}.`
        : "";
    return `At k = ${number(slope, 3)} ${only}${percent(share)} of the neurons receive more than 1 % of the peak gradient: those within ${number(range)} of the threshold.${height}`;
  }

  globalThis.snnsg.explorers.surrogate = {
    chart,
    sentence,
    derivative,
    primitive,
    halfWidth,
    activeRange,
    activeShare,
  };
})();
