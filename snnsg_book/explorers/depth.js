// Depth explorer: size, active share and direction of the gradient in each layer, from the stored runs.
(() => {
  "use strict";
  const { svg, set, clamp, number, percent, slopeColour, panel, whole, fixed } = globalThis.snnsg.core;

  // `table` holds whole numbers: log10 of the norm over the output layer's in hundredths, shares and cosines in thousandths,
  // each as [mean, low, high]; table.runs[depth][condition][measure][slope][layer].
  const SCALES = { norm: 100, share: 1000, cosine: 1000 };

  // Measures of each layer at any slope: stored slopes as they are, others between their neighbours on log k.
  function layers({ slope, depth, reset, normalization }, table) {
    const runs = table.runs[depth];
    const run = reset === "attached" && normalization === "area" ? runs["attached area"] : runs[reset];
    const above = Math.max(
      1,
      table.slopes.findIndex((stored) => stored >= slope),
    );
    const [low, high] = [table.slopes[above - 1], table.slopes[above]];
    const place = Math.log10(slope / low) / Math.log10(high / low);
    const at = (measure, layer, part) => {
      const [a, b] = [run[measure][above - 1][layer][part], run[measure][above][layer][part]];
      return (a + place * (b - a)) / SCALES[measure];
    };
    // With a detached reset every path crosses one surrogate per layer, of height k / 2 instead of 1.
    const output = run.floor.length - 1;
    const raised = reset === "detached" && normalization === "area" ? Math.log10(slope / 2) : 0;
    const parts = [0, 1, 2];
    return run.floor.map((floor, layer) => ({
      norm: parts.map((part) => at("norm", layer, part) + (output - layer) * raised),
      share: parts.map((part) => at("share", layer, part)),
      cosine: parts.map((part) => at("cosine", layer, part)),
      floor: floor / 1000,
    }));
  }

  // Whole decades that hold the bars of every slope, so that the axis stands still while the slope moves.
  function decades(state, table) {
    const all = table.slopes.flatMap((slope) => layers({ ...state, slope }, table).flatMap((layer) => layer.norm));
    return [Math.floor(Math.min(-1, ...all)), Math.ceil(Math.max(1, ...all))];
  }
  const superscript = (power) => String(power).replace(/./g, (sign) => (sign === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign]));
  const timesTen = (power) => (power === 0 ? "1" : `10${superscript(power)}`);
  const hundredths = (value) => fixed(whole(100 * value) / 100, 2);
  const factor = (logarithm) => (logarithm < 3 ? number(10 ** logarithm) : `about ${timesTen(whole(logarithm))}`);

  function chart(canvas, width, { table }) {
    const box = { left: 46, width: width - 46 - 10 };
    const size = panel(canvas, {
      ...box,
      top: 30,
      height: 150,
      x: [0, 1],
      y: [-1, 1],
      title: "size, relative to the output layer",
    });
    const share = panel(canvas, {
      ...box,
      top: size.bottom + 46,
      height: 62,
      x: [0, 1],
      y: [0, 1],
      title: "share of active weights",
    });
    const cosine = panel(canvas, {
      ...box,
      top: share.bottom + 46,
      height: 92,
      x: [0, 1],
      y: [0, 1],
      title: "cosine with the k = 100 gradient",
    });
    share.setY([0, 1], [0, 0.5, 1]);
    cosine.setY([-0.1, 1], [0, 0.5, 1]);
    const scale = svg(canvas, "g");
    const floors = svg(canvas, "path", { class: "snnsg-people" });
    const bars = svg(canvas, "path", { class: "snnsg-bars" });
    const whiskers = svg(canvas, "path", { class: "snnsg-mark" });
    const baseline = svg(canvas, "line", { x1: size.left, x2: size.right, class: "snnsg-axis" });
    const names = svg(canvas, "g");
    const narrow = width < 460;
    const note = narrow
      ? { x: box.left + box.width / 2, y: cosine.bottom + 54, "text-anchor": "middle" }
      : { x: cosine.right, y: cosine.top - 9, "text-anchor": "end" };
    svg(canvas, "text", { ...note, class: "snnsg-note" }, "grey: noise floor");
    svg(
      canvas,
      "text",
      { x: box.left + box.width / 2, y: cosine.bottom + 36, class: "snnsg-label", "text-anchor": "middle" },
      "layer (0: first hidden)",
    );
    let drawn = "";

    function frame(state, count) {
      const key = [state.depth, state.reset, state.normalization].join();
      if (drawn === key) return;
      drawn = key;
      const [low, high] = decades(state, table);
      size.setY([low, high], []);
      scale.replaceChildren();
      const step = Math.ceil((high - low) / 6);
      for (let power = Math.ceil(low / step) * step; power <= high; power += step) {
        svg(scale, "line", {
          x1: size.left,
          x2: size.right,
          y1: size.yAt(power),
          y2: size.yAt(power),
          class: "snnsg-grid",
        });
        svg(
          scale,
          "text",
          { x: size.left - 7, y: size.yAt(power) + 4, class: "snnsg-tick", "text-anchor": "end" },
          timesTen(power),
        );
      }
      set(baseline, { y1: size.yAt(0), y2: size.yAt(0) });
      names.replaceChildren();
      const every = Math.ceil((count * 26) / box.width);
      for (let layer = 0; layer < count; layer++) {
        const last = layer === count - 1;
        if (!last && (layer % every || (every > 1 && layer > count - 1 - every))) continue;
        svg(
          names,
          "text",
          { x: centre(layer, count), y: cosine.bottom + 18, class: "snnsg-tick", "text-anchor": "middle" },
          last ? "out" : String(layer),
        );
      }
    }
    const centre = (layer, count) => box.left + (box.width * (layer + 0.5)) / count;
    const bar = (x, half, from, to) =>
      `M${(x - half).toFixed(1)} ${from.toFixed(1)}H${(x + half).toFixed(1)}V${to.toFixed(1)}H${(x - half).toFixed(1)}Z`;

    function draw(state) {
      const shown = layers(state, table);
      frame(state, shown.length);
      canvas.style.setProperty("--snnsg-now", slopeColour(state.slope));
      const half = Math.min(26, (box.width / shown.length) * 0.36);
      const [columns, intervals, grounds] = [[], [], []];
      shown.forEach((layer, index) => {
        const x = centre(index, shown.length);
        for (const [where, values] of [
          [size, layer.norm],
          [share, layer.share],
          [cosine, layer.cosine],
        ]) {
          columns.push(bar(x, half, where.yAt(0), where.yAt(values[0])));
          intervals.push(`M${x.toFixed(1)} ${where.yAt(values[1]).toFixed(1)}V${where.yAt(values[2]).toFixed(1)}`);
        }
        grounds.push(bar(x, half * 1.3, cosine.yAt(0), cosine.yAt(clamp(layer.floor, 0, 1))));
      });
      set(bars, { d: columns.join("") });
      set(whiskers, { d: intervals.join("") });
      set(floors, { d: grounds.join("") });
    }
    return { draw, height: cosine.bottom + (narrow ? 62 : 44) };
  }

  function sentence(state, table) {
    const first = layers(state, table)[0];
    const grown = first.norm[0] > 0;
    const size =
      Math.abs(first.norm[0]) < 0.05
        ? "as large as"
        : `${factor(Math.abs(first.norm[0]))} times ${grown ? "larger" : "smaller"} than`;
    return `At k = ${number(state.slope, 3)} the gradient in the first of ${state.depth} hidden layers is ${size} the output layer's; ${percent(first.share[0])} of its weights are active. Its cosine with the k = 100 gradient is ${hundredths(first.cosine[0])}, over a noise floor of ${hundredths(first.floor)}.`;
  }

  globalThis.snnsg.explorers.depth = { chart, sentence, layers };
})();
