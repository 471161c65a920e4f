// Parts that every explorer shares: controls, axes, colours of the theme, the frame loop, and the surrogate families.
// A classic script, so that it also runs from file://; everything hangs on the one global object `snnsg`.
(() => {
  "use strict";
  const snnsg = (globalThis.snnsg ??= { explorers: {}, ids: 0 });

  // ---- Surrogate families: the peak-normalised curve of k = 1, its primitive, its area, and where it falls to a share of its peak.
  const logistic = (x) => 1 / (1 + Math.exp(-x));
  const families = {
    FastSigmoid: {
      label: "fast sigmoid",
      shape: (x) => 1 / (1 + Math.abs(x)) ** 2,
      primitive: (x) => x / (1 + Math.abs(x)),
      area: 2,
      reach: (share) => 1 / Math.sqrt(share) - 1,
    },
    ATan: {
      label: "arctangent",
      shape: (x) => 1 / (1 + ((Math.PI / 2) * x) ** 2),
      primitive: (x) => (2 / Math.PI) * Math.atan((Math.PI / 2) * x),
      area: 2,
      reach: (share) => (2 / Math.PI) * Math.sqrt(1 / share - 1),
    },
    Sigmoid: {
      label: "sigmoid",
      shape: (x) => 4 * logistic(-Math.abs(x)) * (1 - logistic(-Math.abs(x))),
      primitive: (x) => 2 * Math.tanh(x / 2),
      area: 4,
      reach: (share) => 2 * Math.acosh(1 / Math.sqrt(share)),
    },
    Triangular: {
      label: "triangle",
      shape: (x) => Math.max(0, 1 - Math.abs(x)),
      primitive: (x) => (Math.abs(x) < 1 ? x - (x * Math.abs(x)) / 2 : Math.sign(x) / 2),
      area: 1,
      reach: (share) => 1 - share,
    },
  };
  const peak = (family, k, normalization) => (normalization === "area" ? k / families[family].area : 1);
  const derivative = (family, k, normalization, u) => peak(family, k, normalization) * families[family].shape(k * u);
  const primitive = (family, k, normalization, u) =>
    (peak(family, k, normalization) / k) * families[family].primitive(k * u);

  // ---- Small helpers for the page: text is only ever set as text.
  function element(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }
  function svg(parent, tag, attributes = {}, text) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    if (text !== undefined) node.textContent = text;
    parent.append(node);
    return node;
  }
  const set = (node, attributes) => {
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  };
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const path = (points) => "M" + points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");
  const number = (value, digits = 2) => String(Number(value.toPrecision(digits))).replace("-", "−");
  const percent = (share) =>
    share > 0 && share < 0.001 ? "less than 0.1 %" : `${share < 0.1 ? number(100 * share) : Math.round(100 * share)} %`;

  // The slope map is a row of CSS variables; mixing two neighbours lets light and dark mode change without a redraw.
  const SLOPE_STOPS = 9;
  function slopeColour(k) {
    const place = (clamp(Math.log10(k) / 2, 0, 1)) * (SLOPE_STOPS - 1);
    const low = Math.min(Math.floor(place), SLOPE_STOPS - 2);
    const share = (100 * (place - low)).toFixed(1);
    return `color-mix(in srgb, var(--snnsg-slope-${low + 1}) ${share}%, var(--snnsg-slope-${low}))`;
  }

  // ---- Axes: light horizontal grid, labels on the left and below, no box.
  function panel(parent, { left, top, width, height, x, y, xTicks = [], xLabel, title, logY = false }) {
    const yOf = logY ? Math.log10 : (value) => value;
    let yDomain = y;
    const xAt = (value) => left + ((value - x[0]) / (x[1] - x[0])) * width;
    const yAt = (value) => top + height * (1 - (yOf(value) - yOf(yDomain[0])) / (yOf(yDomain[1]) - yOf(yDomain[0])));
    const grid = svg(parent, "g");
    if (title) svg(parent, "text", { x: left, y: top - 9, class: "snnsg-title" }, title);
    svg(parent, "line", { x1: left, x2: left + width, y1: top + height, y2: top + height, class: "snnsg-axis" });
    for (const tick of xTicks) {
      svg(parent, "line", { x1: xAt(tick), x2: xAt(tick), y1: top + height, y2: top + height + 4, class: "snnsg-axis" });
      svg(parent, "text", { x: xAt(tick), y: top + height + 18, class: "snnsg-tick", "text-anchor": "middle" }, number(tick));
    }
    if (xLabel) svg(parent, "text", { x: left + width / 2, y: top + height + 36, class: "snnsg-label", "text-anchor": "middle" }, xLabel);
    let drawn = "";
    function setY(domain, ticks) {
      yDomain = domain;
      if (drawn === String([domain, ticks])) return;
      drawn = String([domain, ticks]);
      grid.replaceChildren();
      for (const tick of ticks) {
        svg(grid, "line", { x1: left, x2: left + width, y1: yAt(tick), y2: yAt(tick), class: "snnsg-grid" });
        svg(grid, "text", { x: left - 7, y: yAt(tick) + 4, class: "snnsg-tick", "text-anchor": "end" }, number(tick));
      }
    }
    return { xAt, yAt, setY, left, top, right: left + width, bottom: top + height, width, height };
  }

  // ---- Controls. Each has a visible label and value; `show(value)` follows the model, `change(name, value)` tells it.
  const LOG_STEPS = 100;
  const roundSlope = (k) => (k < 10 ? Math.round(k * 20) / 20 : Math.round(k * 2) / 2);
  // How values lie along the track: evenly by default, evenly on a log axis, or as the places of a list.
  function track({ log, values, min, max, step }) {
    if (values) return { range: { min: 0, max: values.length - 1, step: 1 }, at: (place) => values[place], place: (value) => values.indexOf(value) };
    if (!log) return { range: { min, max, step }, at: (place) => place, place: (value) => value };
    const decades = Math.log10(max / min);
    return {
      range: { min: 0, max: LOG_STEPS, step: 1 },
      at: (place) => roundSlope(min * 10 ** ((decades * place) / LOG_STEPS)),
      place: (value) => (LOG_STEPS * Math.log10(value / min)) / decades,
    };
  }
  function slider(spec, change) {
    const id = `snnsg-${++snnsg.ids}`;
    const { range, at, place } = track(spec);
    const input = element("input", { type: "range", id, name: spec.name, ...range });
    // The slider itself says its value; an output that spoke too would say it twice.
    const output = element("output", { for: id, "aria-live": "off" });
    const fromInput = () => at(Number(input.value));
    const text = spec.format ?? ((value) => number(value, 3));
    input.addEventListener("input", () => change(spec.name, fromInput()));
    const label = element("label", { for: id }, spec.label);
    const node = element("div", { class: `snnsg-control snnsg-slider${spec.wide ? " snnsg-wide" : ""}` },
      element("div", { class: "snnsg-caption" }, label, output), input);
    if ((spec.log || spec.values) && !spec.plain) node.classList.add("snnsg-slope");  // plain: not a slope
    const show = (value, state) => {
      // A track that other controls shorten; before the value, which it cuts.
      if (spec.last) input.max = spec.last(state);
      if (fromInput() !== value) input.value = place(value);
      const words = text(value, state);
      input.setAttribute("aria-valuetext", words);
      output.value = words;
    };
    return { node, show, name: spec.name };
  }
  function select(spec, change) {
    const id = `snnsg-${++snnsg.ids}`;
    const options = spec.options.map(([value, text]) => element("option", { value }, text));
    const input = element("select", { id, name: spec.name }, ...options);
    // Option values are strings; the trait may be a number, so the entry of the list is sent.
    input.addEventListener("change", () => change(spec.name, spec.options[input.selectedIndex][0]));
    const caption = element("div", { class: "snnsg-caption" }, element("label", { for: id }, spec.label));
    return {
      node: element("div", { class: `snnsg-control${spec.wide ? " snnsg-wide" : ""}` }, caption, input),
      show: (value, state) => {
        input.value = String(value);
        input.disabled = spec.idle?.(state) ?? false;
      },
      name: spec.name,
    };
  }
  function checkbox(spec, change) {
    const input = element("input", { type: "checkbox", name: spec.name });
    input.addEventListener("change", () => change(spec.name, input.checked));
    const node = element("label", { class: "snnsg-control snnsg-checkbox" }, input, element("span", {}, spec.label));
    return { node, show: (value) => { input.checked = value; }, name: spec.name };
  }
  function button(spec, change) {
    const node = element("button", { type: "button", class: "snnsg-control snnsg-button", name: spec.name });
    node.addEventListener("click", () => spec.press(change));
    const show = () => { if (node.textContent !== spec.text()) node.textContent = spec.text(); };
    return { node, show, name: spec.name };
  }
  const makers = { slider, select, checkbox, button };

  // ---- The frame around every explorer. `definition`: title, defaults, controls, tryThis, chart(svg, width, change), sentence(state),
  // and where keys do more than move controls, key(event, change).
  function mount(definition, { model, el }) {
    const names = Object.keys(definition.defaults);
    const read = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
    const initial = read();
    let pending = 0, unsaved = false, draw = null, width = 0;

    function schedule() { pending ||= requestAnimationFrame(frame); }
    function change(name, value) {
      model.set(name, value);
      unsaved = true;
      schedule();
    }
    function frame() {
      pending = 0;
      const state = read();
      for (const control of controls) control.show(state[control.name], state);
      if (draw) draw(state);
      const words = definition.sentence(state);
      if (sentence.textContent !== words) sentence.textContent = words;
      if (unsaved) { unsaved = false; model.save_changes(); }
    }

    const controls = definition.controls.map((spec) => makers[spec.kind](spec, change));
    const nodes = (inDrawer) => controls.filter((_, i) => Boolean(definition.controls[i].more) === inDrawer).map((c) => c.node);
    const picture = element("div", { class: "snnsg-picture" });
    const sentence = element("p", { class: "snnsg-sentence", id: `snnsg-${++snnsg.ids}`, "aria-live": "polite" });
    const reset = element("button", { type: "button", class: "snnsg-reset" }, "Reset");
    reset.addEventListener("click", () => { for (const name of names) change(name, initial[name]); });
    const tryThis = element("p", { class: "snnsg-try" }, element("strong", {}, "Try this: "), definition.tryThis);
    const root = element("div", { class: "snnsg", role: "group", "aria-label": definition.title },
      element("div", { class: "snnsg-controls" }, ...nodes(false)), picture, sentence,
      element("div", { class: "snnsg-foot" }, tryThis, reset));
    if (nodes(true).length) {
      const drawer = element("div", { class: "snnsg-controls" }, ...nodes(true));
      root.append(element("details", { class: "snnsg-more" }, element("summary", {}, "More controls"), drawer));
    }
    // JupyterLab would take the arrow keys for itself.
    root.addEventListener("keydown", (event) => {
      definition.key?.(event, change);
      event.stopPropagation();
    });
    el.replaceChildren(root);

    function layOut() {
      const now = Math.floor(picture.clientWidth);
      if (now === 0 || now === width) return;
      width = now;
      const canvas = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      set(canvas, { role: "img", "aria-label": definition.picture, "aria-describedby": sentence.id });
      const chart = definition.chart(canvas, width, change);
      set(canvas, { width, height: chart.height, viewBox: `0 0 ${width} ${chart.height}` });
      picture.replaceChildren(canvas);
      draw = chart.draw;
      frame();
    }
    frame();
    layOut();
    const observer = new ResizeObserver(layOut);
    observer.observe(picture);
    for (const name of names) model.on(`change:${name}`, schedule);
    // For tests and audits: what is shown, and the drawing alone.
    root.snnsg = { read, change, draw: () => draw(read()) };
    return () => {
      observer.disconnect();
      cancelAnimationFrame(pending);
      for (const name of names) model.off(`change:${name}`, schedule);
    };
  }

  snnsg.core = { families, peak, derivative, primitive, element, svg, set, clamp, path, number, percent, slopeColour, panel, mount };
})();
