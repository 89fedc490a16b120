// Copy a whole answer as the model wrote it, or one piece of code. Browsers offer this on secure pages only.
import { battleId } from "./page.js";

const SHOWN_MILLISECONDS = 1500;

export function addCopyButtons() {
  if (!navigator.clipboard) return;
  for (const code of document.querySelectorAll('.turn:not([data-state="answering"]) figure.code')) {
    offer(code, "Copy code", () => code.querySelector("pre").innerText);
  }
  for (const foot of document.querySelectorAll('.turn:not([data-state="answering"]) .pane-foot')) {
    const pane = foot.closest(".pane");
    const side = pane.dataset.side;
    const turn = Number(pane.closest(".turn").dataset.turn);
    if (pane.querySelector(".answer").innerText) offer(foot, `Copy answer ${side.toUpperCase()}`, () => textOf(turn, side));
  }
}

async function textOf(turn, side) {
  const response = await fetch(`/api/v1/battles/${battleId}`);
  return (await response.json()).turns[turn].responses[side].text;
}

function offer(place, label, read) {
  if (place.querySelector(".copy")) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy quiet";
  button.textContent = "Copy";
  button.ariaLabel = label;
  button.addEventListener("click", async () => {
    button.textContent = await write(read) ? "Copied" : "Not copied";
    setTimeout(() => { button.textContent = "Copy"; }, SHOWN_MILLISECONDS);
  });
  place.append(button);
}

// Safari allows writing only within the press itself, so the text is handed over as a promise.
async function write(read) {
  try {
    const text = Promise.resolve(read()).then((said) => new Blob([said], { type: "text/plain" }));
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": text })]);
    return true;
  } catch {
    return false;
  }
}
