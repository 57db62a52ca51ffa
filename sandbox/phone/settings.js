// How the page looks is kept in the browser; what a link asks for comes first
// and is not kept. The query chooses how it looks (?lang=en&theme=dark&
// era=today&phone=dark&view=chat&shot=1), the hash what is looked at
// (#user=…, #card=3, #request=12, #event=4).

const asked = Object.fromEntries(new URLSearchParams(location.search))

const allowed = {
  era: ['ios2018', 'android2018', 'today'],
  phone: ['light', 'dark'],
  view: ['both', 'mini', 'chat'],
  lang: ['zh', 'en'],
  theme: ['light', 'dark'],
  part: ['phone', 'world', 'work']
}

const first = {
  era: 'ios2018',
  phone: 'light',
  view: 'both',
  lang: navigator.language.startsWith('zh') ? 'zh' : 'en',
  theme: document.documentElement.dataset.theme,
  part: 'phone'
}

export const settings = {}
for (const name of Object.keys(allowed)) {
  settings[name] = [asked[name], kept(name), first[name]].find((v) => allowed[name].includes(v))
}

function kept (name) {
  try { return localStorage.getItem(name) } catch { return null }
}

export function keep (name, value) {
  settings[name] = value
  try { localStorage.setItem(name, value) } catch {} // a browser may forbid it
}

// target is what the hash points at.
export function target () {
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1)))
}

export function link (what, id) {
  return location.origin + '/#' + new URLSearchParams({ [what]: id })
}
