// The two panes: on a phone the tabs say which is in view, and a reader at the bottom stays there.
const NEAR_BOTTOM_PIXELS = 48;
const watched = new WeakSet();
let isAtBottom = false;

addEventListener("scroll", () => {
  const { scrollTop, scrollHeight, clientHeight } = document.documentElement;
  isAtBottom = scrollTop > 0 && scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM_PIXELS;
}, { passive: true });

export function keepAtBottom(change) {
  const wasAtBottom = isAtBottom;
  change();
  if (wasAtBottom) scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
}

// Browsers that do not let the keyboard into what scrolls by itself need to be told.
export function openWideFormulas() {
  for (const formula of document.querySelectorAll(".formula")) {
    if (formula.scrollWidth <= formula.clientWidth) continue;
    formula.tabIndex = 0;
    formula.role = "region";
    formula.ariaLabel = "Formula";
  }
}
addEventListener("resize", openWideFormulas); // a phone that is turned

export function watchPanes() {
  for (const strip of document.querySelectorAll("[data-panes]")) {
    if (!watched.has(strip)) watch(strip);
  }
}

function watch(strip) {
  watched.add(strip);
  const tabs = strip.closest(".turn").querySelector(".side-tabs");
  const inView = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const tab = tabs.querySelector(`[data-side="${target.dataset.side}"]`);
      if (isIntersecting) tab.setAttribute("aria-current", "true");
      else tab.removeAttribute("aria-current");
    }
  }, { root: strip, rootMargin: "0px -45%" });
  for (const pane of strip.children) inView.observe(pane);
  tabs.addEventListener("click", (event) => {
    const side = event.target.closest("a")?.dataset.side;
    if (!side) return;
    event.preventDefault();
    strip.scrollTo({ left: strip.querySelector(`[data-side="${side}"]`).offsetLeft - strip.offsetLeft });
  });
}
