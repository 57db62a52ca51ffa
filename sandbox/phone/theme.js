// Runs before the first paint, so that a dark page does not flash.
(function () {
  var asked = new URLSearchParams(location.search).get('theme')
  var kept = null
  try { kept = localStorage.getItem('theme') } catch (e) {}
  var dark = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
  document.documentElement.dataset.theme = asked || kept || dark
  if (new URLSearchParams(location.search).has('shot')) document.documentElement.dataset.shot = ''
})()
