// A battle, quicker than its plain page: answers stream in, and forms change the page in place.
import "./composer.js";
import "./keys.js";
import { addCopyButtons } from "./copy.js";
import { isAnswering, newestTurn } from "./page.js";
import { openWideFormulas, watchPanes } from "./panes.js";
import { follow, isFollowing } from "./stream.js";
import { refresh, submit } from "./swap.js";

function settle() {
  watchPanes();
  if (isAnswering()) follow(newestTurn(), () => refresh({ complete: true }).then(settle), () => refresh().then(settle));
  addCopyButtons();
  openWideFormulas();
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-swap]")) return;
  event.preventDefault();
  submit(event.target, event.submitter).then(settle);
});

// The battle may have gone on in another tab, or while the browser kept this page aside.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && !isFollowing()) refresh().then(settle);
});
addEventListener("pageshow", (event) => {
  if (event.persisted) refresh().then(settle);
});

settle();
