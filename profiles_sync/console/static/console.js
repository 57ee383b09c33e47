// The theme, times in the viewer's zone, and buttons that copy. Pages work without it.
"use strict";
const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");
const kept = localStorage.getItem("theme");
if (kept) root.dataset.theme = kept;

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
}

function switchTheme(button) {
  const told = () => { button.textContent = isDark() ? "Light theme" : "Dark theme"; };
  button.hidden = false;
  told();
  dark.addEventListener("change", told);
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
    told();
  });
}

function local(time) {
  const at = new Date(time.dateTime);
  if (isNaN(at)) return;
  time.title = time.textContent;
  time.textContent = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

function copyable(box) {
  if (!navigator.clipboard) return;  // plain HTTP that is not from this machine
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(box.querySelector("pre").textContent);
    button.textContent = "Copied";
  });
  box.prepend(button);
}

// What takes a while says so, and is not sent twice.
function busy(form) {
  form.addEventListener("submit", () => {
    const button = form.querySelector("button[type=submit]");
    button.textContent = form.dataset.busy;
    button.disabled = true;
  });
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("[data-theme-switch]").forEach(switchTheme);
  document.querySelectorAll("time[datetime]").forEach(local);
  document.querySelectorAll(".copyable").forEach(copyable);
  document.querySelectorAll("form[data-busy]").forEach(busy);
  document.querySelectorAll("[data-end]").forEach((box) => { box.scrollLeft = box.scrollWidth; });  // the newest day
});
