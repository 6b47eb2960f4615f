"use strict";
(() => {
  const form = document.getElementById("filter");
  const shown = document.getElementById("shown");
  const things = [...document.querySelectorAll("[data-words]")];
  const open = () => {
    const name = decodeURIComponent(location.hash.slice(1));
    const target = name && document.getElementById(name);
    if (!target) return;
    for (let at = target; at; at = at.parentElement) {
      at.hidden = false;
      if (at.tagName === "DETAILS") at.open = true;
    }
    target.scrollIntoView();
    if (target.matches("article, tr, details")) {
      target.setAttribute("tabindex", "-1");
      target.focus({ preventScroll: true });
    }
  };
  const filter = () => {
    const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const kinds = [...form.querySelectorAll("input[type=checkbox]")];
    const off = new Set(kinds.filter((each) => !each.checked).map((each) => each.value));
    let count = 0;
    for (const thing of things) {
      const has = thing.dataset.words;
      thing.hidden = off.has(thing.dataset.kind) || !words.every((word) => has.includes(word));
      count += thing.hidden ? 0 : 1;
    }
    shown.textContent = `${count} of ${things.length} shown`;
  };
  if (form) {
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", filter);
    form.addEventListener("reset", () => setTimeout(filter));
    filter();
  }
  addEventListener("hashchange", open);
  addEventListener("beforeprint", () => {
    for (const each of document.querySelectorAll("details[data-print]")) each.open = true;
  });
  open();
})();
