// Forms by fetch: the server answers with the whole page, and only what changed is put in place.
import { alarm, battle, battleId } from "./page.js";

export async function submit(form, submitter) {
  const hadReveal = document.getElementById("reveal");
  const before = document.querySelectorAll(".turn").length;
  setBusy(form, true);
  const body = new URLSearchParams(new FormData(form, submitter));
  const address = submitter?.getAttribute("formaction") ?? form.action;
  const html = await load(address, { method: "POST", body });
  setBusy(form, false);
  if (html === null) return;
  if (form.matches(".follow-up")) form.reset();
  await show(() => apply(html));
  const reveal = document.getElementById("reveal");
  if (reveal && !hadReveal) moveTo(reveal);
  const turns = document.querySelectorAll(".turn");
  if (turns.length > before) moveTo(turns[turns.length - 1].querySelector("h2"));
}

export async function refresh(options) {
  const html = await load(`/b/${battleId}`);
  if (html !== null) apply(html, options);
}

async function load(address, options) {
  try {
    const response = await fetch(address, { headers: { Accept: "text/html" }, ...options });
    const html = await response.text();
    if (isBattle(html)) return html;
    document.location.reload();
  } catch {
    alarm("The arena could not be reached. Nothing was saved by this; check your connection and try again.");
  }
  return null;
}

function isBattle(html) {
  return html.includes(`data-battle="${battleId}"`);
}

// `complete`: the text of the newest turn arrived to its end, so it need not be replaced by the server's copy.
export function apply(html, { complete = false } = {}) {
  const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("battle");
  const focused = focusedPlace();
  for (const turn of fresh.querySelectorAll(".turn")) placeTurn(turn, complete);
  for (const region of fresh.querySelectorAll("[data-region]")) placeRegion(region);
  document.getElementById("status").replaceChildren(...fresh.querySelector("#status").childNodes);
  Object.assign(battle.dataset, fresh.dataset);
  if (focused && document.activeElement === document.body) battle.querySelector(focused)?.focus({ preventScroll: true });
}

function placeTurn(turn, complete) {
  const current = document.getElementById(turn.id);
  const [was, is] = [current?.dataset.state, turn.dataset.state];
  if (!current) document.getElementById("turns").append(turn);
  else if (was !== is && (is === "answering" || !complete)) current.replaceWith(turn);
  else {
    current.dataset.state = is;
    for (const text of turn.querySelectorAll(".answer[lang]")) document.getElementById(text.id).lang = text.lang;
    for (const pane of current.querySelectorAll(".pane")) pane.ariaBusy = String(is === "answering");
  }
}

function placeRegion(region) {
  const current = battle.querySelector(`[data-region="${region.dataset.region}"]`);
  if (!current || current.isEqualNode(region)) return;
  keepChoices(current, region);
  current.replaceWith(region);
}

function keepChoices(current, region) {
  const why = region.querySelector("details");
  if (why) why.open = current.querySelector("details")?.open ?? false;
  for (const box of current.querySelectorAll("input:checked")) {
    const same = region.querySelector(`input[value="${box.value}"]`);
    if (same) same.checked = true;
  }
  const [typed, area] = [current.querySelector("textarea"), region.querySelector("textarea")];
  if (typed?.value && area) area.value = typed.value;
}

function focusedPlace() {
  const { id, name, value } = document.activeElement;
  if (id) return `#${CSS.escape(id)}`;
  return name ? `[name="${CSS.escape(name)}"][value="${CSS.escape(value)}"]` : null;
}

async function show(change) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (calm || !document.startViewTransition || document.visibilityState !== "visible") return change();
  return document.startViewTransition(change).updateCallbackDone;
}

function moveTo(element) {
  element.tabIndex = -1;
  element.focus({ preventScroll: true });
  element.scrollIntoView({ block: "start" });
}

function setBusy(form, busy) {
  form.ariaBusy = String(busy);
  for (const button of form.querySelectorAll("button")) button.ariaDisabled = String(busy);
}
