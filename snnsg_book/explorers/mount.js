// The frame around every explorer: its controls, its drawing, its sentence, and the loop that keeps them in step with the model.
(() => {
  "use strict";
  const { element, set } = globalThis.snnsg.core;
  const { makeControl, drag, newId } = globalThis.snnsg.controls;

  // An explorer's script gives chart(canvas, width, page), which returns { draw(state), height }, and sentence(state, table). One with
  // a memory of its own also gives start(table), which makes `page.own`: where it has them, key(event, change) and
  // buttons, name to { press(change), text() }. `page` also holds `table`, `change` and `drag`.
  function mount(name, { model, el }) {
    const explorer = globalThis.snnsg.explorers[name];
    const { title, picture: shows, tryThis, controls: specs } = model.get("declaration");
    const table = model.get("table");
    const own = explorer.start?.(table) ?? {};
    const names = specs.filter(({ kind }) => kind !== "button").map((spec) => spec.name);
    const read = () => Object.fromEntries(names.map((one) => [one, model.get(one)]));
    const initial = read();
    let pending = 0,
      unsaved = false,
      draw = null,
      width = 0;

    function schedule() {
      pending ||= requestAnimationFrame(frame);
    }
    function change(one, value) {
      model.set(one, value);
      unsaved = true;
      schedule();
    }
    function frame() {
      pending = 0;
      const state = read();
      for (const control of controls) control.show(state[control.name], state);
      if (draw) draw(state);
      const words = explorer.sentence(state, table);
      if (sentence.textContent !== words) sentence.textContent = words;
      if (unsaved) {
        unsaved = false;
        model.save_changes();
      }
    }

    const controls = specs
      .filter(({ kind }) => kind !== "hidden")
      .map((spec) => makeControl(spec, change, own.buttons));
    const nodes = (inDrawer) => controls.filter(({ more }) => more === inDrawer).map(({ node }) => node);
    const picture = element("div", { class: "snnsg-picture" });
    const sentence = element("p", { class: "snnsg-sentence", id: newId(), "aria-live": "polite" });
    const reset = element("button", { type: "button", class: "snnsg-reset" }, "Reset");
    reset.addEventListener("click", () => {
      for (const one of names) change(one, initial[one]);
    });
    const invitation = element("p", { class: "snnsg-try" }, element("strong", {}, "Try this: "), tryThis);
    const root = element(
      "div",
      { class: "snnsg", role: "group", "aria-label": title },
      element("div", { class: "snnsg-controls" }, ...nodes(false)),
      picture,
      sentence,
      element("div", { class: "snnsg-foot" }, invitation, reset),
    );
    if (nodes(true).length) {
      const drawer = element("div", { class: "snnsg-controls" }, ...nodes(true));
      root.append(element("details", { class: "snnsg-more" }, element("summary", {}, "More controls"), drawer));
    }
    // JupyterLab would take the arrow keys for itself.
    root.addEventListener("keydown", (event) => {
      own.key?.(event, change);
      event.stopPropagation();
    });
    el.replaceChildren(root);

    const page = { table, own, change, drag: (target, hand) => drag(target, hand, { read, change }) };
    function layOut() {
      const now = Math.floor(picture.clientWidth);
      if (now === 0 || now === width) return;
      width = now;
      const canvas = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      set(canvas, { role: "img", "aria-label": shows, "aria-describedby": sentence.id });
      const chart = explorer.chart(canvas, width, page);
      set(canvas, { width, height: chart.height, viewBox: `0 0 ${width} ${chart.height}` });
      picture.replaceChildren(canvas);
      draw = chart.draw;
      frame();
    }
    frame();
    layOut();
    const observer = new ResizeObserver(layOut);
    observer.observe(picture);
    for (const one of names) model.on(`change:${one}`, schedule);
    // For tests and audits: what is shown, and the drawing alone.
    root.snnsg = { read, change, draw: () => draw(read()) };
    return () => {
      observer.disconnect();
      cancelAnimationFrame(pending);
      for (const one of names) model.off(`change:${one}`, schedule);
    };
  }

  globalThis.snnsg.mount = mount;
})();
