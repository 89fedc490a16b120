// The composer: Enter sends, the text area grows, a counter shows near the limit, suggestions fill it.
const NEAR_THE_LIMIT = 0.9;
const growsByItself = CSS.supports("field-sizing", "content");
const hasKeyboard = !matchMedia("(pointer: coarse)").matches;

document.addEventListener("input", ({ target }) => {
  if (target.matches("[data-composer] textarea")) show(target);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing || !event.target.matches("[data-composer] textarea")) return;
  const withModifier = event.ctrlKey || event.metaKey;
  if (!withModifier && (event.shiftKey || !hasKeyboard)) return;
  event.preventDefault();
  if (event.target.value.trim()) event.target.form.requestSubmit();
});

document.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  if (form.matches("[data-suggestions]")) {
    event.preventDefault();
    fill(document.querySelector("[data-composer] textarea"), submitter.value);
  } else if (form.matches('[method="post"]:not([data-swap])')) {
    // A second press must not start a second battle; the first one's data is collected before this takes effect.
    setTimeout(() => setDisabled(form, true));
  }
});

// Coming back with the browser's button shows the page as it was left, with its buttons off.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll('form[method="post"]:not([data-swap])')) setDisabled(form, false);
  for (const area of document.querySelectorAll("[data-composer] textarea")) show(area);
});

function setDisabled(form, disabled) {
  for (const button of form.querySelectorAll("button")) button.disabled = disabled;
}

function fill(area, text) {
  area.focus();
  area.select();
  area.setRangeText(text, 0, area.value.length, "end");
  show(area);
}

function show(area) {
  const counter = area.form.querySelector("[data-counter]");
  const most = Number(area.dataset.most);
  const near = area.value.length > most * NEAR_THE_LIMIT;
  counter.hidden = !near;
  if (near) {
    const length = [...area.value].length;
    counter.textContent = `${length.toLocaleString("en")} of ${most.toLocaleString("en")} characters`;
    counter.toggleAttribute("data-over", length > most);
  }
  if (!growsByItself) {
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight + 2}px`;
  }
}
