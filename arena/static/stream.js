// Follow the running turn: the server renders blocks of HTML, and the browser's own resume asks for the rest.
import { battleId, say } from "./page.js";
import { keepAtBottom } from "./panes.js";

const PATIENCE_MILLISECONDS = 2000;
let source = null;

export function isFollowing() {
  return source !== null;
}

export function follow(turn, onEnd, onLost) {
  if (source) return;
  const sides = { a: sideOf(turn, "a"), b: sideOf(turn, "b") };
  for (const side of Object.values(sides)) side.text.replaceChildren();
  source = new EventSource(`/api/v1/battles/${battleId}/events?format=html`);
  source.addEventListener("open", () => say("Both models are answering."));
  source.addEventListener("block", ({ data }) => {
    const { side, index, html } = JSON.parse(data);
    keepAtBottom(() => put(sides[side].text, index, html));
    if (sides.a.text.innerText && sides.b.text.innerText) allowVoting();
  });
  source.addEventListener("side_end", ({ data }) => end(sides, JSON.parse(data).side, "has finished"));
  source.addEventListener("turn_end", () => {
    stop();
    onEnd();
  });
  source.addEventListener("error", ({ data }) => {
    if (data) end(sides, JSON.parse(data).side, "could not be completed");
    else if (source.readyState === EventSource.CONNECTING) say("The connection was lost. Trying again …");
    else {
      stop();
      setTimeout(onLost, PATIENCE_MILLISECONDS);
    }
  });
}

function stop() {
  source?.close();
  source = null;
}

function sideOf(turn, side) {
  const pane = turn.querySelector(`.pane[data-side="${side}"]`);
  return { pane, text: pane.querySelector(".answer"), ended: false };
}

function put(text, index, html) {
  while (text.children.length <= index) {
    const block = document.createElement("div");
    block.className = "block";
    text.append(block);
  }
  text.children[index].innerHTML = html;
}

function end(sides, side, how) {
  sides[side].ended = true;
  sides[side].pane.ariaBusy = "false";
  if (!(sides.a.ended && sides.b.ended)) say(`${side.toUpperCase()} ${how}.`);
}

function allowVoting() {
  for (const button of document.querySelectorAll(".vote[disabled]")) button.disabled = false;
}
