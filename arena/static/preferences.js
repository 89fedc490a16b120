// The theme changes at once, without a reload that would lose what was typed; the form alone does the same.
document.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  if (!form.matches(".preferences") || submitter?.name !== "theme") return;
  event.preventDefault();
  document.documentElement.dataset.theme = submitter.value;
  for (const button of form.elements.theme) button.ariaPressed = String(button === submitter);
  fetch(form.action, { method: "POST", body: new FormData(form, submitter), redirect: "manual", keepalive: true });
});
