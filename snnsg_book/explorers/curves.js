// Learning-curve explorer: the stored runs of TD3 and of cloning, slope against slope, with few seeds or many.
(() => {
  "use strict";
  const { svg, set, whole, thousands, slopeColour, path, panel } = globalThis.snnsg.core;

  // `table.limits[setting]` is [threshold, highest return]; `table.curves[setting][learner]` holds `steps`, `runs[slope][seed]` (returns
  // rounded down) and `bands[seeds][slope]`: interquartile mean and the ends of its interval, in tenths.
  const SETTINGS = {
    slow_actor: "PlanarHover (slow actor)",
    default: "PlanarHover (default rates)",
    crazyflie: "CrazyflieHover",
  };
  const LEARNERS = { td3: ["TD3", "step", "environment steps"], bc: ["cloning", "update", "updates"] };

  function shown({ slope, against }) {
    const second = Number(against);
    return second > 0 && second !== slope ? [slope, second] : [slope];
  }
  const stored = (state, table) => table.curves[state.setting][state.learner];

  // The runs of a slope in the present state, and what they came to.
  function curve(slope, state, table) {
    const { steps, runs, bands } = stored(state, table);
    const place = table.slopes.indexOf(slope);
    const drawn = state.seeds === "all" ? runs[place] : runs[place].slice(0, Number(state.seeds));
    const [threshold] = table.limits[state.setting];
    const arrivals = drawn
      .map((run) => steps[run.findIndex((value) => value >= threshold)] ?? Infinity)
      .sort((a, b) => a - b);
    const [middle, low, high] = bands[state.seeds][place];
    return {
      runs: drawn,
      middle,
      low,
      high,
      arrived: arrivals.filter((step) => step < Infinity).length,
      halfBy: arrivals[Math.ceil(drawn.length / 2) - 1],
    };
  }

  const ending = (tenths) => String(whole(tenths / 10)).replace("-", "−");
  function inWords({ runs, middle, low, high, arrived, halfBy }, unit, threshold) {
    const share = `${arrived} of ${runs.length}`;
    const way =
      halfBy < Infinity
        ? `half of the runs pass ${threshold} by ${unit} ${thousands(halfBy)} (${share} ever do)`
        : `fewer than half of the runs pass ${threshold} (${share})`;
    const [end, from, to] = [middle, low, high].map((values) => ending(values.at(-1)));
    return `${way} and they end at ${end} [${from}, ${to}]`;
  }
  function allInWords(state, table, unit) {
    const by = table.slopes
      .map((slope) => [curve(slope, state, table).halfBy, slope])
      .sort((a, b) => (a[0] === b[0] ? a[1] - b[1] : a[0] - b[0]));
    if (by[0][0] === Infinity) return "No slope brings half of its runs there.";
    const [first, last] = [by[0], by.at(-1)].map(([step, slope]) => [
      slope,
      step < Infinity ? `by ${unit} ${thousands(step)}` : "never",
    ]);
    return `Of all slopes k = ${first[0]} is first to bring half of its runs there (${first[1]}), k = ${last[0]} last (${last[1]}).`;
  }
  function sentence(state, table) {
    const [name, unit] = LEARNERS[state.learner];
    const curves = shown(state).map((slope) => [slope, curve(slope, state, table)]);
    const [threshold] = table.limits[state.setting];
    const parts = curves.map(([slope, one]) => `with k = ${slope} ${inWords(one, unit, threshold)}`);
    const words = `${name[0].toUpperCase()}${name.slice(1)} on ${SETTINGS[state.setting]}, ${curves[0][1].runs.length} runs of each slope: ${parts.join("; ")}.`;
    return state.against === "all" ? `${words} ${allInWords(state, table, unit)}` : words;
  }

  function chart(canvas, width, { table }) {
    const narrow = width < 520;
    const box = panel(canvas, {
      left: 40,
      top: 30,
      width: width - 40 - 72,
      height: narrow ? 220 : 270,
      x: [0, 1],
      y: [0, 1],
      title: "return of an episode",
    });
    const scale = svg(canvas, "g");
    const unit = svg(canvas, "text", {
      x: box.left + box.width / 2,
      y: box.bottom + 36,
      class: "snnsg-label",
      "text-anchor": "middle",
    });
    const layers = svg(canvas, "g");
    const threshold = svg(canvas, "line", { x1: box.left, x2: box.right, class: "snnsg-threshold" });
    const word = svg(canvas, "text", { x: box.left + 6, class: "snnsg-note snnsg-halo" });

    function frame(state, lowest) {
      const [limit, highest] = table.limits[state.setting];
      box.setY(
        [lowest, highest],
        [0, 50, 100, 150, 200].filter((tick) => tick <= highest),
      );
      set(threshold, { y1: box.yAt(limit), y2: box.yAt(limit) });
      set(word, { y: box.yAt(limit) - 6 });
      word.textContent = `threshold ${limit}`;
      const last = stored(state, table).steps.at(-1);
      unit.textContent = LEARNERS[state.learner][2];
      const parts = last % 3000 === 0 || last % 1500 === 0 ? 3 : 4;
      scale.replaceChildren();
      for (let part = 0; part <= parts; part++) {
        const x = box.xAt(part / parts);
        svg(scale, "line", { x1: x, x2: x, y1: box.bottom, y2: box.bottom + 4, class: "snnsg-axis" });
        svg(
          scale,
          "text",
          { x, y: box.bottom + 18, class: "snnsg-tick", "text-anchor": "middle" },
          thousands((part * last) / parts),
        );
      }
      return (step) => box.xAt(step / last);
    }

    // Labels right of the ends, moved apart where curves end together.
    function label(ends) {
      const apart = 15;
      ends.sort((a, b) => b.y - a.y);
      ends.forEach((end, i) => {
        end.place = i ? Math.min(end.y, ends[i - 1].place - apart) : end.y;
      });
      // Where that leads over the top, down again.
      ends.reverse().forEach((end, i) => {
        end.place = Math.max(end.place, i ? ends[i - 1].place + apart : box.top);
      });
      for (const { slope, y, place, group } of ends) {
        svg(group, "path", {
          d: path([
            [box.right + 2, y],
            [box.right + 10, place],
          ]),
          class: "snnsg-leader",
        });
        svg(group, "text", { x: box.right + 13, y: place + 4, class: "snnsg-value" }, `k = ${slope}`);
      }
    }

    function draw(state) {
      const { steps, runs } = stored(state, table);
      const xAt = frame(state, Math.min(0, ...runs.flat(2)));
      const points = (values) => values.map((value, i) => [xAt(steps[i]), box.yAt(value)]);
      const line = (values) => path(points(values));
      const inUnits = (tenths) => tenths.map((value) => value / 10);
      const chosen = shown(state);
      const others = state.against === "all" ? table.slopes.filter((slope) => !chosen.includes(slope)) : [];
      layers.replaceChildren();
      const ends = [];
      // The chosen slope is drawn last, on top.
      for (const slope of [...others, ...chosen.slice().reverse()]) {
        const one = curve(slope, state, table);
        const [middle, low, high] = [one.middle, one.low, one.high].map(inUnits);
        const group = svg(layers, "g");
        group.style.setProperty("--snnsg-now", slopeColour(slope));
        if (chosen.includes(slope)) {
          svg(group, "path", { d: one.runs.map(line).join(""), class: "snnsg-run" });
          svg(group, "path", { d: path([...points(low), ...points(high).reverse()]), class: "snnsg-band" });
        }
        svg(group, "path", { d: line(middle), class: "snnsg-curve" });
        if (chosen.includes(slope)) {
          // Open markers: supervised; filled: online.
          const marker = `snnsg-marker${state.learner === "bc" ? " snnsg-open" : ""}`;
          for (const [cx, cy] of points(middle))
            svg(group, "circle", { cx: cx.toFixed(1), cy: cy.toFixed(1), r: 3, class: marker });
        }
        ends.push({ slope, y: box.yAt(middle.at(-1)), group });
      }
      label(ends);
    }
    return { draw, height: box.bottom + 44 };
  }

  globalThis.snnsg.explorers.curves = { chart, sentence, curve };
})();
