// Truth explorer: how far a surrogate gradient points from the true one, and how much of that is bias or noise.
(() => {
  "use strict";
  const { svg, set, path, number, whole, thousands, slopeColour, panel } = globalThis.snnsg.core;
  const TICKS = [1, 2, 5, 10, 25, 50, 100];
  const CURVE = Array.from({ length: 41 }, (_, i) => 100 ** (i / 40));

  // `table.cells[stage][layer][slope]` holds the two parts of 1 / cosine²: of the infinite batch, in thousandths, and what
  // noise adds for one example.
  // Rounding may leave it just below 1.
  const degrees = (inverse) => (Math.acos(Math.max(1, inverse) ** -0.5) * 180) / Math.PI;
  function angles({ slope, batch, layer, stage }, table) {
    const cells = table.cells[stage][Number(layer)];
    const above = Math.max(
      1,
      table.slopes.findIndex((stored) => stored >= slope),
    );
    const [low, high] = [table.slopes[above - 1], table.slopes[above]];
    const place = Math.log(slope / low) / Math.log(high / low);
    const [bias, noise] = [0, 1].map((part) =>
      Math.exp((1 - place) * Math.log(cells[above - 1][part]) + place * Math.log(cells[above][part])),
    );
    return { bias: degrees(bias / 1000), total: degrees(bias / 1000 + noise / batch) };
  }
  function bestSlope(state, table) {
    const off = (slope) => angles({ ...state, slope }, table).total;
    return table.slopes.reduce((best, slope) => (off(slope) < off(best) ? slope : best));
  }
  const examples = (batch) => (batch === 1 ? "1 example" : `${thousands(batch)} examples`);

  function chart(canvas, width, { table }) {
    const narrow = width < 560;
    // Left, or on narrow screens on top: a quarter of a circle from "truth" on the right to "no relation" at the top.
    const radius = narrow ? Math.min(210, width - 120) : Math.min(230, width * 0.36);
    const origin = { x: narrow ? (width - radius - 80) / 2 : 8, y: 44 + radius };
    const at = (angle, length = 1) => {
      const turn = (angle * Math.PI) / 180;
      return [origin.x + radius * length * Math.cos(turn), origin.y - radius * length * Math.sin(turn)];
    };
    svg(canvas, "text", { x: origin.x, y: 18, class: "snnsg-title" }, "angle to the true gradient");
    const arc = (from, to, length) => Array.from({ length: 31 }, (_, i) => at(from + ((to - from) * i) / 30, length));
    svg(canvas, "path", { d: path(arc(0, 90, 1)), class: "snnsg-mark snnsg-faint" });
    for (const tick of [30, 60, 90]) {
      const [[x1, y1], [x2, y2]] = [at(tick, 0.98), at(tick, 1.02)];
      svg(canvas, "line", { x1, y1, x2, y2, class: "snnsg-axis" });
    }
    const biasWedge = svg(canvas, "path", { class: "snnsg-people" });
    const noiseWedge = svg(canvas, "path", { class: "snnsg-band" });
    const arrow = (name) => ({
      shaft: svg(canvas, "path", { class: name }),
      head: svg(canvas, "path", { class: "snnsg-marker" }),
    });
    const arrows = { truth: arrow("snnsg-mark"), mean: arrow("snnsg-line"), batch: arrow("snnsg-curve") };
    arrows.truth.head.setAttribute("class", "snnsg-arrowhead");
    arrows.mean.head.setAttribute("class", "snnsg-arrowhead");
    const words = ["truth", "mean", "batch"].map(() => svg(canvas, "text", { class: "snnsg-halo" }));

    const box = narrow
      ? { left: 40, top: origin.y + 64, width: width - 40 - 14, height: 150 }
      : { left: origin.x + radius + 158, top: 44, width: width - origin.x - radius - 158 - 14, height: radius };
    const place = panel(canvas, { ...box, x: [0, 2], y: [90, 0], title: "degrees off the truth" });
    place.setY([92, 0], [0, 30, 60, 90]);
    for (const k of TICKS) {
      const x = place.xAt(Math.log10(k));
      svg(canvas, "line", { x1: x, x2: x, y1: place.bottom, y2: place.bottom + 4, class: "snnsg-axis" });
      svg(canvas, "text", { x, y: place.bottom + 18, class: "snnsg-tick", "text-anchor": "middle" }, String(k));
    }
    svg(
      canvas,
      "text",
      { x: place.left + place.width / 2, y: place.bottom + 36, class: "snnsg-label", "text-anchor": "middle" },
      "slope k",
    );
    const curves = {
      bias: svg(canvas, "path", { class: "snnsg-truth" }),
      total: svg(canvas, "path", { class: "snnsg-input" }),
    };
    const labels = {
      bias: svg(canvas, "text", { class: "snnsg-note snnsg-halo", "text-anchor": "middle" }, "endless examples"),
      total: svg(canvas, "text", { class: "snnsg-note snnsg-halo", "text-anchor": "end" }, "one batch"),
    };
    const dots = ["bias", "total"].map(() => svg(canvas, "circle", { r: 4.5, class: "snnsg-marker" }));

    function point({ shaft, head }, angle) {
      const [[x, y], [left, right]] = [at(angle), [-4.5, 4.5]];
      set(shaft, { d: path([[origin.x, origin.y], at(angle, 1 - 8 / radius)]) });
      const turn = (angle * Math.PI) / 180;
      const side = (across) => [
        x - 11 * Math.cos(turn) + across * Math.sin(turn),
        y + 11 * Math.sin(turn) + across * Math.cos(turn),
      ];
      set(head, { d: `${path([[x, y], side(left), side(right)])}Z` });
    }
    function draw(state) {
      const { bias, total } = angles(state, table);
      canvas.style.setProperty("--snnsg-now", slopeColour(state.slope));
      const wedge = (from, to) => `${path([[origin.x, origin.y], ...arc(from, to, 0.8)])}Z`;
      set(biasWedge, { d: wedge(0, bias) });
      set(noiseWedge, { d: wedge(bias, total) });
      point(arrows.truth, 0);
      point(arrows.mean, bias);
      point(arrows.batch, total);
      // Labels beside the tips, moved apart where arrows nearly meet.
      const tips = [0, bias, total].map((angle) => at(angle, 1.05));
      const heights = tips.map(([, y]) => y + 4);
      heights[1] = Math.min(heights[1], heights[0] - 17);
      heights[2] = Math.min(heights[2], heights[1] - 17);
      const texts = ["truth", `endless: ${whole(bias)}°`, `one batch: ${whole(total)}°`];
      words.forEach((word, i) => {
        set(word, { x: tips[i][0].toFixed(1), y: heights[i].toFixed(1) });
        word.textContent = texts[i];
      });
      const lines = CURVE.map((slope) => angles({ ...state, slope }, table));
      for (const key of ["bias", "total"]) {
        set(curves[key], { d: path(lines.map((line, i) => [place.xAt(Math.log10(CURVE[i])), place.yAt(line[key])])) });
      }
      // One label above its curve in the middle, the other at the right end, below where the curves meet.
      const [middle, end] = [lines.slice(10, 31), lines.at(-1)];
      set(labels.bias, { x: place.xAt(1), y: place.yAt(Math.min(...middle.map((line) => line.bias))) - 8 });
      const meet = place.yAt(end.total) - place.yAt(end.bias) < 30;
      set(labels.total, { x: place.right, y: place.yAt(end.total) + (meet ? 18 : -8) });
      for (const [i, angle] of [bias, total].entries()) {
        set(dots[i], { cx: place.xAt(Math.log10(state.slope)).toFixed(1), cy: place.yAt(angle).toFixed(1) });
      }
    }
    return { draw, height: Math.max(place.bottom, origin.y) + 44 };
  }

  function sentence(state, table) {
    const { bias, total } = angles(state, table);
    const best = bestSlope(state, table);
    const there = whole(angles({ ...state, slope: best }, table).total);
    return `At k = ${number(state.slope, 3)} in layer ${state.layer}, the gradient of ${examples(state.batch)} points ${whole(total)}° off the truth. With endless examples it would be ${whole(bias)}°: the bias. The rest is noise. For batches of this size k = ${number(best, 3)} points best, ${there}° off.`;
  }

  globalThis.snnsg.explorers.truth = { chart, sentence, angles, bestSlope };
})();
