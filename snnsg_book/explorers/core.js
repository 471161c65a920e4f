// Parts that every explorer shares: the surrogate families, numbers in words, drawing, axes, colours of the theme.
// A classic script, so that it also runs from file://; everything hangs on the one global object `snnsg`.
(() => {
  "use strict";
  globalThis.snnsg ??= { explorers: {} };
  const snnsg = globalThis.snnsg;

  // ---- Surrogate families, the twins of those in snnsg_lib.surrogates.families: the peak-normalised curve of k = 1, its primitive,
  // its area, and where it falls to a share of its peak.
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
  function twin(family) {
    if (!Object.hasOwn(families, family))
      throw new Error(`the surrogate family ${family} has no entry among the families of core.js`);
    return families[family];
  }
  const peak = (family, k, normalization) => (normalization === "area" ? k / twin(family).area : 1);
  const derivative = (family, k, normalization, u) => peak(family, k, normalization) * twin(family).shape(k * u);
  const primitive = (family, k, normalization, u) =>
    (peak(family, k, normalization) / k) * twin(family).primitive(k * u);

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
  // A half goes up, also where Math.round would have to look at the sign.
  const whole = (value) => Math.floor(value + 0.5);
  const fixed = (value, digits) => value.toFixed(digits).replace("-", "−");
  const thousands = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, ",");
  const percent = (share) =>
    share > 0 && share < 0.001 ? "less than 0.1 %" : `${share < 0.1 ? number(100 * share) : Math.round(100 * share)} %`;

  // The slope map is a row of CSS variables; mixing two neighbours lets light and dark mode change without a redraw.
  const SLOPE_STOPS = 9;
  function slopeColour(k) {
    const place = clamp(Math.log10(k) / 2, 0, 1) * (SLOPE_STOPS - 1);
    const low = Math.min(Math.floor(place), SLOPE_STOPS - 2);
    const share = (100 * (place - low)).toFixed(1);
    if (!CSS.supports("color", "color-mix(in srgb, red, blue)")) return `var(--snnsg-slope-${Math.round(place)})`;
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
      svg(parent, "line", {
        x1: xAt(tick),
        x2: xAt(tick),
        y1: top + height,
        y2: top + height + 4,
        class: "snnsg-axis",
      });
      svg(
        parent,
        "text",
        { x: xAt(tick), y: top + height + 18, class: "snnsg-tick", "text-anchor": "middle" },
        number(tick),
      );
    }
    if (xLabel)
      svg(
        parent,
        "text",
        { x: left + width / 2, y: top + height + 36, class: "snnsg-label", "text-anchor": "middle" },
        xLabel,
      );
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

  snnsg.core = {
    families,
    peak,
    derivative,
    primitive,
    element,
    svg,
    set,
    clamp,
    path,
    number,
    whole,
    fixed,
    thousands,
    percent,
    slopeColour,
    panel,
  };
})();
