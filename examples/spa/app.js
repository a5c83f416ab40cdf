// A router in a few lines. The chat stands beside `main`, so a change of route
// does not touch it; on the route /grinders there is none.
window.Chinwag = window.Chinwag || function () { (window.Chinwag.q = window.Chinwag.q || []).push(arguments); };

let isThere = true;

function route() {
  const name = location.hash.slice(2) || "home";
  document.querySelector("main").textContent = `This is the page about ${name}.`;
  const wanted = name !== "grinders";
  if (wanted === isThere) return;
  isThere = wanted;
  window.Chinwag(...(wanted ? ["init"] : ["destroy"]));
}

addEventListener("hashchange", route);
route();
