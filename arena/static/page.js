// Where things are on the page of a battle.
export const battle = document.getElementById("battle");
export const battleId = battle.dataset.battle;

export function newestTurn() {
  return document.querySelector("#turns > .turn:last-of-type");
}

export function isAnswering() {
  return newestTurn().dataset.state === "answering";
}

export function say(text) {
  document.getElementById("status").textContent = text;
}

export function alarm(text) {
  const alert = document.createElement("p");
  alert.className = "alert";
  alert.role = "alert";
  alert.textContent = text;
  document.getElementById("alerts").replaceChildren(alert);
  alert.scrollIntoView({ block: "nearest" });
}
