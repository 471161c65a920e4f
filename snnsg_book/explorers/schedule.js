// Schedule explorer: what each schedule would do to the slope, on a return that is drawn, chosen or was stored.
(() => {
  "use strict";
  const { svg, set, clamp, whole, path, panel } = globalThis.snnsg.core;
  const EVALUATIONS = 18,
    HIGHEST = 200,
    FULL = 190,
    THRESHOLD = 100,
    CHANGES = 9;
  const TICKS = [1, 2, 5, 10, 25, 50, 100];
  const NAMES = ["fixed", "linear", "geometric", "reversed", "adaptive"];

  // ---- The schedules, as in snnsg_lib.schedulers: slope before the first evaluation and after each.
  // Exactly `start` at 0, exactly `end` at 1, never outside.
  function between(start, end, share, spacing) {
    if (share === 0) return start;
    if (share === 1) return end;
    const way = spacing === "linear" ? start + (end - start) * share : start * (end / start) ** share;
    return clamp(way, Math.min(start, end), Math.max(start, end));
  }
  const interval = (start, end, spacing, every, count) =>
    Array.from({ length: count + 1 }, (_, step) =>
      between(start, end, Math.min(Math.floor(step / every), CHANGES) / CHANGES, spacing),
    );
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  function adaptive(returns, { weight_reward, weight_change, window, low, high, spacing }) {
    const scaled = returns.map((value) => clamp(value / FULL, 0, 1));
    const change = scaled.map((value, i) => (i ? value - scaled[i - 1] : 0));
    const last = (values, i) => mean(values.slice(Math.max(0, i + 1 - window), i + 1));
    const score = (i) =>
      weight_reward === 0
        ? weight_change * last(change, i)
        : last(scaled, i) + (weight_change / weight_reward) * last(change, i);
    return [low, ...returns.map((_, i) => between(low, high, clamp(score(i), 0, 1), spacing))];
  }
  function paths(returns, state) {
    const { low, high, fixed } = state;
    const way = (start, end, spacing) => interval(start, end, spacing, state.interval, returns.length);
    return {
      fixed: Array(returns.length + 1).fill(fixed),
      linear: way(low, high, "linear"),
      geometric: way(low, high, "geometric"),
      reversed: way(high, low, "geometric"),
      adaptive: adaptive(returns, state),
    };
  }

  // `table.curves[name]` are returns; `table.runs[schedule][run]` those of stored runs, in tenths.
  const stored = ({ curve }, table) => (table.runs[curve] ?? []).map((run) => run.map((tenths) => tenths / 10));
  function shown(state, table) {
    if (state.curve === "yours") return state.returns;
    return table.curves[state.curve] ?? table.runs[state.curve][Number(state.run) - 1].map((tenths) => tenths / 10);
  }

  // Whole from 10 on, else with one decimal. The tiny number is for halves that sums just miss.
  const inWords = (k) => String(k >= 10 ? Math.floor(k + 0.5 + 1e-9) : Math.floor(10 * k + 0.5 + 1e-9) / 10);
  function sentence(state, table) {
    const returns = shown(state, table);
    const all = paths(returns, state);
    const [slope, linear, geometric] = ["adaptive", "linear", "geometric"].map((name) => inWords(all[name][state.at]));
    const where =
      state.curve in table.runs
        ? `In stored run ${state.run} of ${table.runs[state.curve].length} (${state.curve}), after`
        : "After";
    const words = `${where} evaluation ${state.at} the return is ${whole(returns[state.at - 1])}, and the adaptive schedule sets the slope to ${slope}; the interval schedule has come to ${linear} in equal differences, to ${geometric} in equal ratios, whatever the return.`;
    const first = returns.findIndex((value) => value >= THRESHOLD) + 1;
    const end = inWords(all.adaptive.at(-1));
    if (first === 0) return `${words} The return never reaches ${THRESHOLD}; the adaptive slope ends at ${end}.`;
    return `${words} When the return first reaches ${THRESHOLD}, at evaluation ${first}, the adaptive slope is ${inWords(all.adaptive[first])}; it ends at ${end}.`;
  }

  // ---- Drawing by hand: a curve of one's own begins as the one that is shown.
  function makePen(table) {
    let state = null,
      canvas = null;
    function draw(points, change) {
      const returns = shown(state, table).slice();
      for (const [at, value] of points) returns[at - 1] = clamp(Math.round(value), 0, HIGHEST);
      state = { ...state, curve: "yours", returns, at: points.at(-1)[0] };
      for (const name of ["curve", "returns", "at"]) change(name, state[name]);
    }
    return {
      draw,
      // All evaluations from where the hand was to where it is.
      drag([from, start], [to, end], change) {
        const count = Math.max(1, Math.abs(to - from));
        draw(
          Array.from({ length: count + 1 }, (_, i) => [
            from + ((to - from) * i) / count,
            start + ((end - start) * i) / count,
          ]),
          change,
        );
      },
      follow(now, where) {
        [state, canvas] = [now, where];
      },
      get state() {
        return state;
      },
      get canvas() {
        return canvas;
      },
      value: () => shown(state, table)[state.at - 1],
    };
  }
  function start(table) {
    const pen = makePen(table);
    pen.key = (event, change) => key(event, change, pen);
    return pen;
  }
  const MOVES = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, 5],
    ArrowDown: [0, -5],
    PageUp: [0, 25],
    PageDown: [0, -25],
  };
  function key(event, change, pen) {
    if (event.target !== pen.canvas || !(event.key in MOVES)) return;
    event.preventDefault();
    const [right, up] = MOVES[event.key];
    if (up) pen.draw([[pen.state.at, pen.value() + up]], change);
    else change("at", clamp(pen.state.at + right, 1, EVALUATIONS));
  }
  function drawable(pad, box, canvas, { own: pen, change, drag }) {
    let from = null;
    const place = (event) => {
      const frame = canvas.getBoundingClientRect();
      const at = Math.round(((event.clientX - frame.left - box.left) / box.width) * EVALUATIONS);
      return [
        clamp(at, 1, EVALUATIONS),
        clamp((1 - (event.clientY - frame.top - box.top) / box.height) * HIGHEST, 0, HIGHEST),
      ];
    };
    const follow = (event) => {
      const to = place(event);
      pen.drag(from, to, change);
      from = to;
    };
    drag(pad, {
      begin: (event) => {
        from = place(event);
      },
      move: follow,
      tap: () => pen.draw([from], change),
    });
  }

  // ---- The picture: returns above, slopes below, one axis of evaluations.
  function chart(canvas, width, page) {
    const { table, own: pen, change } = page;
    const narrow = width < 520;
    const box = { left: 40, width: width - 40 - (narrow ? 86 : 100), x: [0, EVALUATIONS] };
    const above = panel(canvas, {
      ...box,
      top: 30,
      height: narrow ? 120 : 140,
      y: [0, HIGHEST],
      title: narrow
        ? "return (draw it, or use arrow keys)"
        : "return: draw it with mouse or finger, or use the arrow keys",
    });
    const below = panel(canvas, {
      ...box,
      top: above.bottom + 44,
      height: narrow ? 190 : 220,
      y: [0.9, 115],
      logY: true,
      title: "slope k of every schedule",
      xTicks: [0, 3, 6, 9, 12, 15, 18],
      xLabel: "evaluation",
    });
    above.setY([0, HIGHEST], [0, 50, 100, 150, 200]);
    below.setY([0.9, 115], TICKS);
    const level = above.yAt(THRESHOLD);
    svg(canvas, "line", { x1: above.left, x2: above.right, y1: level, y2: level, class: "snnsg-threshold" });
    const others = svg(canvas, "path", { class: "snnsg-others" });
    const curve = svg(canvas, "path", { class: "snnsg-line" });
    svg(canvas, "text", { x: above.right + 6, y: level + 4, class: "snnsg-note" }, "threshold");
    const points = Array.from({ length: EVALUATIONS }, () => svg(canvas, "circle", { r: 2.5, class: "snnsg-dot" }));
    const replayed = svg(canvas, "path", { class: "snnsg-schedule snnsg-thin" });
    const lines = Object.fromEntries(
      NAMES.map((name) => [name, svg(canvas, "path", { class: `snnsg-schedule snnsg-${name}` })]),
    );
    const dots = Array.from({ length: EVALUATIONS + 1 }, () =>
      svg(canvas, "circle", { r: 3, class: "snnsg-dot snnsg-adaptive" }),
    );
    const cursors = [above, below].map((p) => svg(canvas, "line", { y1: p.top, y2: p.bottom, class: "snnsg-head" }));
    const labels = NAMES.map((name) => ({
      leader: svg(canvas, "path", { class: `snnsg-schedule snnsg-${name}` }),
      text: svg(canvas, "text", { x: below.right + 15, class: name === "adaptive" ? "snnsg-value" : "snnsg-note" }),
    }));
    const pad = svg(canvas, "rect", {
      x: above.left,
      y: above.top,
      width: above.width,
      height: above.height,
      class: "snnsg-pad",
    });
    drawable(pad, above, canvas, page);
    const reader = svg(canvas, "rect", {
      x: below.left,
      y: below.top,
      width: below.width,
      height: below.height,
      class: "snnsg-handle",
    });
    const read = (event) => {
      const share = (event.clientX - canvas.getBoundingClientRect().left - below.left) / below.width;
      change("at", clamp(Math.round(share * EVALUATIONS), 1, EVALUATIONS));
    };
    page.drag(reader, { begin: read, move: read });
    set(canvas, { tabindex: 0 });

    const line = (returns) => path(returns.map((value, i) => [above.xAt(i + 1), above.yAt(value)]));
    // A slope stays until the next evaluation.
    const stairs = (slopes) =>
      path(
        slopes.flatMap((k, i) => [
          [below.xAt(i), below.yAt(slopes[Math.max(0, i - 1)])],
          [below.xAt(i), below.yAt(k)],
        ]),
      );
    // Labels right of the ends, moved apart where lines end together.
    function label(all, fixed) {
      const ends = NAMES.map((name, i) => ({ name, y: below.yAt(all[name].at(-1)), ...labels[i] })).sort(
        (a, b) => b.y - a.y,
      );
      ends.forEach((end, i) => {
        end.place = i ? Math.min(end.y, ends[i - 1].place - 16) : end.y;
      });
      ends.reverse().forEach((end, i) => {
        end.place = Math.max(end.place, i ? ends[i - 1].place + 16 : below.top);
      });
      for (const { name, y, place, leader, text } of ends) {
        set(leader, {
          d: path([
            [below.right + 2, y],
            [below.right + 11, place],
          ]),
        });
        set(text, { y: place + 4 });
        text.textContent = name === "fixed" ? `fixed, ${inWords(fixed)}` : name;
      }
    }
    let runs = [],
      drawnFor = null;
    function draw(state) {
      pen.follow(state, canvas);
      const returns = shown(state, table);
      const all = paths(returns, state);
      // The returns of stored runs stay as they are while weights are dragged.
      if (drawnFor !== state.curve) {
        runs = stored(state, table);
        set(others, { d: runs.map(line).join("") });
        drawnFor = state.curve;
      }
      set(curve, { d: line(returns) });
      set(replayed, {
        d: runs.map((run) => path(adaptive(run, state).map((k, i) => [below.xAt(i), below.yAt(k)]))).join(""),
      });
      for (const [i, point] of points.entries()) {
        set(point, { cx: above.xAt(i + 1).toFixed(1), cy: above.yAt(returns[i]).toFixed(1) });
      }
      for (const name of NAMES) set(lines[name], { d: stairs(all[name]) });
      for (const [i, dot] of dots.entries()) {
        set(dot, { cx: below.xAt(i).toFixed(1), cy: below.yAt(all.adaptive[i]).toFixed(1) });
      }
      for (const cursor of cursors) set(cursor, { x1: above.xAt(state.at), x2: above.xAt(state.at) });
      label(all, state.fixed);
    }
    return { draw, height: below.bottom + 44 };
  }

  globalThis.snnsg.explorers.schedule = { start, chart, sentence, paths };
})();
