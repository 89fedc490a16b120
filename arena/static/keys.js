// Single letters press the button that carries them; not while typing, and not when switched off.
const TYPING = "textarea, select, [contenteditable], input:not([type=checkbox])";

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.(TYPING)) return;
  const button = document.querySelector(`[data-key~="${CSS.escape(event.key.toLowerCase())}"]:not([disabled])`);
  if (!button) return;
  event.preventDefault();
  button.click();
});
