// The one renderer of message cards: the phone, message pages and previews of
// templates use it. It is pure: the same arguments give the same nodes, and it
// touches neither document tree, network nor clock. Needs card.css.
//
//   card(template, message, era) → <article>
//
// template: {title, app, keywords: [{key, name}]}
// message:  {data: {key: {value, color}}, emphasis_keyword, page, time, lang}
//           data and emphasis_keyword as in the call to WeChat; time is when
//           it arrived (a Date, or what Date takes); lang as WeChat's: zh_CN,
//           en_US, zh_HK, zh_TW.
// era:      ios2018, android2018 or today. In the eras of 2018 colours and an
//           emphasised keyword count; today they do not exist.
//
// All text goes in as text, colours only if they are #rrggbb. What can be done
// with a card is marked with data-act: open, refuse, more. A dark phone is a
// class dk on any element around it.

const words = {
  zh_CN: { open: '进入小程序查看', refuse: '拒收通知', more: '更多操作', date: 'zh-CN' },
  zh_HK: { open: '進入小程式查看', refuse: '拒收通知', more: '更多操作', date: 'zh-HK' },
  zh_TW: { open: '進入小程式查看', refuse: '拒收通知', more: '更多操作', date: 'zh-TW' },
  en_US: { open: 'View in Mini Program', refuse: 'Reject Notifications', more: 'More', date: 'en-US' }
}

export function card (template, message, era) {
  const say = words[message.lang] || words.zh_CN
  const classic = era !== 'today'
  const emphasis = classic ? emphasised(template, message) : null
  const rows = template.keywords.filter((k) => k !== emphasis)
  return make('article', 'wxcard wxc-' + era + (message.page ? ' wxc-opens' : ''), [
    make('header', 'wxc-head', [icon(), make('span', 'wxc-app', template.app), dots(say)]),
    make('div', 'wxc-main', [
      make('h3', 'wxc-title', template.title),
      make('time', 'wxc-date', day(message.time, say)),
      emphasis && make('div', 'wxc-emphasis', [
        make('small', '', emphasis.name), coloured(make('b', '', text(message, emphasis)), message, emphasis)
      ]),
      make('dl', 'wxc-rows', rows.flatMap((k) => [
        make('dt', '', k.name),
        classic ? coloured(make('dd', '', text(message, k)), message, k) : make('dd', '', text(message, k))
      ]))
    ]),
    message.page && foot('open', say.open),
    era === 'android2018' && foot('refuse', say.refuse)
  ])
}

// emphasised is the keyword that the message wants large, if the template has it.
function emphasised (template, message) {
  const key = /^(.+)\.DATA$/.exec(message.emphasis_keyword || '')
  return (key && template.keywords.find((k) => k.key === key[1])) || null
}

const entry = (message, keyword) => (message.data || {})[keyword.key]

// text is the keyword's value; a bare string or number stands for one.
function text (message, keyword) {
  const e = entry(message, keyword)
  const value = e !== null && typeof e === 'object' ? e.value : e
  return value === undefined || value === null ? '' : String(value)
}

function coloured (node, message, keyword) {
  const color = (entry(message, keyword) || {}).color
  if (/^#[0-9a-f]{6}$/i.test(color || '')) node.style.setProperty('color', color)
  return node
}

function day (time, say) {
  const date = new Date(time)
  return isNaN(date) ? '' : date.toLocaleDateString(say.date, { month: 'short', day: 'numeric' })
}

function dots (say) {
  const button = make('button', 'wxc-dots', [make('i'), make('i'), make('i')])
  button.type = 'button'
  button.dataset.act = 'more'
  button.setAttribute('aria-label', say.more)
  return button
}

function foot (act, label) {
  const button = make('button', 'wxc-foot ' + act, [make('span', '', label), draw('0 0 8 14', 8, 14, [
    ['path', { d: 'M1 1l6 6-6 6', fill: 'none', stroke: 'currentColor', 'stroke-width': 1.9 }]
  ])])
  button.type = 'button'
  button.dataset.act = act
  return button
}

// icon is a scooter: the mini program's own cannot be known.
function icon () {
  const line = { fill: 'none', stroke: '#fff', 'stroke-width': 1.7, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' }
  const svg = draw('0 0 28 28', 28, 28, [
    ['rect', { width: 28, height: 28, fill: '#ff8a3d' }],
    ['path', { d: 'M7 17.5h3.2l2.2-5.6h4.2M10.4 11.9h2M17.4 17.5h3', ...line }],
    ['circle', { cx: 9, cy: 18.6, r: 2.3, ...line }],
    ['circle', { cx: 19.4, cy: 18.6, r: 2.3, ...line }]
  ])
  svg.classList.add('wxc-icon')
  return svg
}

function draw (viewBox, width, height, shapes) {
  const space = 'http://www.w3.org/2000/svg'
  const svg = document.createElementNS(space, 'svg')
  for (const [name, value] of Object.entries({ viewBox, width, height, 'aria-hidden': 'true' })) svg.setAttribute(name, value)
  for (const [tag, attributes] of shapes) {
    const shape = document.createElementNS(space, tag)
    for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value)
    svg.append(shape)
  }
  return svg
}

function make (tag, className, inside) {
  const node = document.createElement(tag)
  if (className) node.className = className
  if (Array.isArray(inside)) node.append(...inside.filter(Boolean))
  else if (inside !== undefined && inside !== null) node.textContent = String(inside)
  return node
}
