// The page's words, one catalogue per language. What is drawn once carries
// data-t (text), data-t-label (aria-label), data-t-title or data-t-hint
// (placeholder); translate fills it in.

import { $$ } from './dom.js'

let words = {}
export let language = 'zh'

export async function speak (lang) {
  const answer = await fetch('/phone/lang/' + lang + '.json')
  words = await answer.json()
  language = lang
  document.documentElement.lang = lang === 'zh' ? 'zh-CN' : 'en'
  translate(document)
  document.title = t('title')
}

// t is a text with its {names} filled in.
export function t (key, values) {
  const text = words[key]
  if (text === undefined) return key
  return values ? text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? String(values[name]) : all)) : text
}

export const has = (key) => key in words

export function translate (root) {
  for (const e of $$('[data-t]', root)) e.textContent = t(e.dataset.t)
  for (const e of $$('[data-t-label]', root)) e.setAttribute('aria-label', t(e.dataset.tLabel))
  for (const e of $$('[data-t-title]', root)) e.title = t(e.dataset.tTitle)
  for (const e of $$('[data-t-hint]', root)) e.placeholder = t(e.dataset.tHint)
}

// wxLanguage is the language of the simulated phone, in WeChat's words.
export const wxLanguage = () => (language === 'zh' ? 'zh_CN' : 'en_US')
