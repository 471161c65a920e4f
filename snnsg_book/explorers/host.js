// Brings the explorers of a static page to life: each <figure data-snnsg="name" data-state='{...}'> gets a plain model without a kernel.
(() => {
  "use strict";
  function plainModel(state) {
    const listeners = {};
    return {
      get: (name) => state[name],
      set(name, value) {
        if (Object.is(state[name], value)) return;
        state[name] = value;
        for (const listener of listeners[`change:${name}`] ?? []) listener();
      },
      on: (event, listener) => (listeners[event] ??= new Set()).add(listener),
      off: (event, listener) => listeners[event]?.delete(listener),
      save_changes() {},
    };
  }
  function start() {
    for (const figure of document.querySelectorAll("figure[data-snnsg]")) {
      const name = figure.dataset.snnsg;
      if (!globalThis.snnsg.explorers[name]) throw new Error(`no explorer named ${name} is loaded`);
      globalThis.snnsg.mount(name, { model: plainModel(JSON.parse(figure.dataset.state)), el: figure });
    }
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
