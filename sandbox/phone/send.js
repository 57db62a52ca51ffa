// In demo: a message to the chosen user through the real API, as a form, as
// the same call in curl, and with its life beside it.

import { sendCurl } from './curl.js'
import { field, select } from './dialog.js'
import { $, $$, el, refill } from './dom.js'
import { example } from './examples.js'
import { follow, lives } from './life.js'
import { copy, failed } from './note.js'
import { sendMessage } from './peer.js'
import { avatar } from './person.js'
import { t } from './words.js'
import { show, templateOf, templates, userOf, world } from './world.js'

let box, line

export function startSend (section) {
  box = section
  const lifeBox = el('div', { id: 'lives' })
  const form = el('div')
  box.replaceChildren(form, lifeBox)
  show('state user', () => [world.app, world.user, userOf(world.user)?.nickname, templates()], () => draw(form))
  lives(lifeBox)
}

function draw (place) {
  const user = userOf(world.user)
  const kept = $('[name=template]', place)?.value
  const template = templateOf(kept) || templates()[0]
  if (!user || !template) return refill(place)
  line = el('pre.curl', { id: 'curl', tabindex: '0', 'aria-label': 'curl' })
  const keywords = el('div.keywords')
  const extras = el('div.extras')
  const form = el('form', { id: 'message' },
    el('h2', null, el('span', null, t('send_to')), el('span.to', null, avatar(user), user.nickname)),
    select(t('template'), 'template', templates().map((x) => [x.template_id, x.title + ' · ' + t(x.kind === 'longterm' ? 'longterm' : x.channel)]), template.template_id, () => fill()),
    keywords, extras,
    el('label.tick', null, el('input', { type: 'checkbox', name: 'wait' }), el('span', null, t('wait'))),
    el('button.btn.primary', { type: 'submit', data: { key: 'send' } }, t('send')),
    el('div.chead', null, el('span.soft', null, t('as_curl')), el('button.btn', { type: 'button', data: { do: 'copy_send' }, on: { click: () => copy(line.textContent) } }, t('copy'))),
    line)
  const fill = () => {
    const x = templateOf($('[name=template]', form).value)
    refill(keywords, x.keywords.map((k) => field(k.name, k.key, { value: example(k), title: k.key })))
    refill(extras, field(t('page'), 'page', { value: 'pages/order/detail?id=1019' }),
      x.channel === 'template' && el('div.two', null,
        select(t('emphasis'), 'emphasis', [['', t('none')], ...x.keywords.map((k) => [k.key, k.name])], x.keywords[0].key),
        field(t('colour'), 'colour', { type: 'color', value: '#173177' })))
    drawLine(form)
  }
  form.addEventListener('input', () => drawLine(form))
  form.addEventListener('submit', (e) => { e.preventDefault(); send(form) })
  refill(place, form)
  fill()
}

const drawLine = (form) => { line.textContent = sendCurl(world.server, message(form)) }

// message is what the form says, in WeChat's own shape.
function message (form) {
  const v = Object.fromEntries(new FormData(form))
  const template = templateOf(v.template)
  const data = {}
  for (const k of template.keywords) {
    data[k.key] = { value: v[k.key], ...(v.emphasis === k.key ? { color: v.colour } : {}) }
  }
  return {
    touser: world.user,
    template_id: v.template,
    ...(v.page ? { page: v.page } : {}),
    data,
    ...(v.emphasis ? { emphasis_keyword: v.emphasis + '.DATA' } : {}),
    ...(v.wait ? { wait: true } : {})
  }
}

async function send (form) {
  const buttons = $$('[type=submit]', form)
  for (const b of buttons) b.disabled = true
  try {
    follow(await sendMessage(message(form)))
  } catch (e) {
    failed(e)
  } finally {
    for (const b of buttons) b.disabled = false
  }
}
