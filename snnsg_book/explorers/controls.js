// Controls, built from their declaration in Python, and gestures on the picture.
(() => {
  "use strict";
  const { element, number, fixed, thousands } = globalThis.snnsg.core;
  let ids = 0;
  const newId = () => `snnsg-${++ids}`;

  // How values lie along the track: evenly by default, evenly on a log axis, or as the places of a list.
  const LOG_STEPS = 100;
  const roundSlope = (k) => (k < 10 ? Math.round(k * 20) / 20 : Math.round(k * 2) / 2);
  function track({ log, values, range, step }) {
    if (values) {
      const places = { min: 0, max: values.length - 1, step: 1 };
      return { places, at: (place) => values[place], place: (value) => values.indexOf(value) };
    }
    const [min, max] = range;
    if (!log) return { places: { min, max, step }, at: (place) => place, place: (value) => value };
    const decades = Math.log10(max / min);
    return {
      places: { min: 0, max: LOG_STEPS, step: 1 },
      at: (place) => roundSlope(min * 10 ** ((decades * place) / LOG_STEPS)),
      place: (value) => (LOG_STEPS * Math.log10(value / min)) / decades,
    };
  }
  // The last value of a list, where another control shortens it.
  function lastOf({ last, values }, state) {
    const [name] = Object.keys(last);
    return last[name][state[name]] ?? values.at(-1);
  }
  function inWords(spec, value, state) {
    if (spec.last) return `${Math.min(value, lastOf(spec, state))} of ${lastOf(spec, state)}`;
    const text = spec.digits ? fixed(value, spec.digits) : spec.values ? thousands(value) : number(value, 3);
    return spec.unit ? `${text} ${spec.unit}` : text;
  }

  // ---- A finger that scrolls the page changes nothing: it acts when it has set out sideways, or taps. A mouse acts at once.
  const FAR = 6;
  function intent() {
    let from = null,
      decided = false;
    return {
      begin(event) {
        [from, decided] = [event, event.pointerType !== "touch"];
        return decided;
      },
      // Whether this move is the one that decides.
      decides(event) {
        if (!from || decided) return false;
        const [right, down] = [event.clientX - from.clientX, event.clientY - from.clientY].map(Math.abs);
        decided = right >= FAR && right > down;
        return decided;
      },
      end() {
        [from, decided] = [null, false];
      },
      get from() {
        return from;
      },
      get waits() {
        return from !== null && !decided;
      },
      get acts() {
        return from !== null && decided;
      },
    };
  }
  // `begin` hears where the hand came down, `move` each step of it, `tap` that it went up again on the spot.
  // What the browser takes for scrolling after all is undone.
  function drag(target, { begin = () => {}, move, tap = () => {} }, { read, change }) {
    const hand = intent();
    let before = null,
      moved = false;
    target.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      target.setPointerCapture(event.pointerId);
      [before, moved] = [read(), false];
      if (hand.begin(event)) begin(event);
    });
    target.addEventListener("pointermove", (event) => {
      if (hand.decides(event)) begin(hand.from);
      if (!hand.acts) return;
      moved = true;
      move(event);
    });
    target.addEventListener("pointerup", (event) => {
      if (hand.waits) begin(hand.from);
      if (hand.from && !moved) tap(event);
      hand.end();
    });
    target.addEventListener("pointercancel", () => {
      hand.end();
      const now = read();
      for (const name of Object.keys(now)) if (now[name] !== before[name]) change(name, before[name]);
    });
  }
  // The same for a slider, whose track the browser moves as soon as a finger touches it.
  function guard(input, tell) {
    const hand = intent();
    let before = "";
    input.addEventListener("pointerdown", (event) => {
      before = input.value;
      hand.begin(event);
    });
    input.addEventListener("pointermove", (event) => {
      if (hand.decides(event)) tell();
    });
    input.addEventListener("input", () => {
      if (!hand.waits) tell();
    });
    input.addEventListener("pointerup", () => {
      const waited = hand.waits;
      hand.end();
      if (waited) tell();
    });
    input.addEventListener("pointercancel", () => {
      const acted = hand.acts;
      hand.end();
      if (input.value === before) return;
      input.value = before;
      if (acted) tell();
    });
    return { waits: () => hand.waits };
  }

  // ---- Each control has a visible label and value; `show(value, state)` follows the model, `change(name, value)` tells it.
  function slider(spec, change) {
    const id = newId();
    const { places, at, place } = track(spec);
    const input = element("input", { type: "range", id, name: spec.name, ...places });
    // The slider itself says its value; an output that spoke too would say it twice.
    const output = element("output", { for: id, "aria-live": "off" });
    const fromInput = () => at(Number(input.value));
    const hand = guard(input, () => change(spec.name, fromInput()));
    const label = element("label", { for: id }, spec.label);
    const node = element(
      "div",
      { class: "snnsg-control snnsg-slider" },
      element("div", { class: "snnsg-caption" }, label, output),
      input,
    );
    if (spec.coloured) node.classList.add("snnsg-slope");
    const show = (value, state) => {
      // Before the value, which it cuts.
      if (spec.last) input.max = spec.values.indexOf(lastOf(spec, state));
      if (fromInput() !== value && !hand.waits()) input.value = place(value);
      const words = inWords(spec, value, state);
      input.setAttribute("aria-valuetext", words);
      output.value = words;
    };
    return { node, show };
  }
  function select(spec, change) {
    const id = newId();
    const options = spec.options.map(([value, text]) => element("option", { value }, text));
    const input = element("select", { id, name: spec.name }, ...options);
    // Option values are strings; the trait may be a number, so the entry of the list is sent.
    input.addEventListener("change", () => change(spec.name, spec.options[input.selectedIndex][0]));
    const caption = element("div", { class: "snnsg-caption" }, element("label", { for: id }, spec.label));
    const idle = Object.entries(spec.idle ?? {});
    const show = (value, state) => {
      input.value = String(value);
      input.disabled = idle.some(([name, values]) => values.includes(state[name]));
    };
    return { node: element("div", { class: "snnsg-control" }, caption, input), show };
  }
  function button(spec, change, buttons) {
    const { press, text } = buttons[spec.name];
    const node = element("button", { type: "button", class: "snnsg-control snnsg-button", name: spec.name });
    node.addEventListener("click", () => press(change));
    const show = () => {
      if (node.textContent !== text()) node.textContent = text();
    };
    return { node, show };
  }
  const makers = { slider, select, button };
  function makeControl(spec, change, buttons) {
    const control = makers[spec.kind](spec, change, buttons);
    if (spec.wide) control.node.classList.add("snnsg-wide");
    return { ...control, name: spec.name, more: Boolean(spec.more) };
  }

  globalThis.snnsg.controls = { makeControl, drag, newId };
})();
