// What the page knows of the sandbox's world, and how it stays true.
//
// Cards, requests and events are numbered lists. The stream brings what is new;
// whenever it opens, what lies between is read from the lists, so that neither
// a broken connection nor a reload loses anything. What has no list (users,
// rules, quotas, stock) is read again after anything happened.

import { get, query } from './api.js'
import { parse } from './exact.js'

const lists = {
  card: { path: '/sandbox/cards', keep: 1000 },
  request: { path: '/sandbox/requests', keep: 500 },
  event: { path: '/sandbox/events', keep: 200 }
}

export const world = {
  apps: [], users: [], templates: [], quotas: [], faults: [], stock: [],
  ahead: 0, // how far the world's clock is ahead of the browser's, in ms
  offset: 0, // the part of it that somebody advanced, in s
  card: new Map(), request: new Map(), event: new Map(),
  app: null, user: null, // the chosen ones
  server: null, // the wxnotify server beside the sandbox, in demo
  live: false
}

// on calls f after a change of that name. Names: state, clock, live, user,
// reset, and card, request, event with the new entry.
const listeners = {}
export function on (names, f) {
  for (const name of names.split(' ')) (listeners[name] ||= []).push(f)
}
export function tell (name, entry) {
  for (const f of listeners[name] || []) f(entry)
}

// show draws a part of the page, and again whenever what it is made of has
// changed after one of the named changes: what stays as it is keeps its focus
// and its clicks.
export function show (names, what, draw) {
  let drawn
  const look = () => {
    const seen = JSON.stringify(what())
    if (seen === drawn) return
    drawn = seen
    draw()
  }
  on(names, look)
  on('words', () => { drawn = undefined; look() })
  look()
}

export const now = () => new Date(Date.now() + world.ahead)
export const userOf = (openid) => world.users.find((u) => u.openid === openid && u.appid === world.app)
export const stockOf = (openid) => world.stock.find((s) => s.openid === openid && s.appid === world.app)
export const templateOf = (id, appid = world.app) => world.templates.find((t) => t.template_id === id && t.appid === appid)
export const templates = () => world.templates.filter((t) => t.appid === world.app)
export const appOf = (appid = world.app) => world.apps.find((a) => a.appid === appid)

// choose makes a user the one whose phone is shown.
export function choose (openid, appid = world.app) {
  if (openid === world.user && appid === world.app) return
  world.app = appid
  world.user = openid
  tell('user')
  refresh()
}

let epoch = 0 // counts resets, so that answers of an older world are dropped
let begin = () => {}

// loaded resolves once everything has been read for the first time.
export const loaded = new Promise((resolve) => { begin = resolve })

export function connect () {
  const stream = new EventSource('/sandbox/stream') // resumes with Last-Event-ID by itself
  stream.onopen = async () => {
    await catchUp()
    setLive(true)
    begin()
  }
  stream.onerror = () => {
    setLive(false)
    if (stream.readyState !== EventSource.CLOSED) return
    setTimeout(connect, 2000) // an answer that is no stream ends it for good
  }
  for (const kind of Object.keys(lists)) {
    stream.addEventListener(kind, (e) => {
      add(kind, parse(e.data))
      refresh()
    })
  }
  stream.addEventListener('clock', (e) => setClock(parse(e.data)))
  stream.addEventListener('reset', () => {
    forget()
    catchUp()
  })
}

function setLive (live) {
  world.live = live
  tell('live')
}

function forget () {
  epoch++
  for (const [kind, list] of Object.entries(lists)) {
    world[kind].clear()
    list.read = 0
  }
  tell('reset')
}

async function catchUp () {
  const began = epoch
  try {
    await readState(began)
    await Promise.all(Object.keys(lists).map((kind) => readList(kind, began)))
  } catch {} // the stream will open again, and this with it
}

// readList reads everything after what is known without a gap.
async function readList (kind, began) {
  const list = lists[kind]
  if (!list.read) {
    const { last_seq: last } = await get(list.path + '?limit=1')
    if (began !== epoch) return
    list.read = Math.max(list.read || 0, last - list.keep)
  }
  for (;;) {
    const page = await get(list.path + query({ after: list.read, limit: 1000 }))
    if (began !== epoch) return
    for (const entry of page.data) add(kind, entry, true)
    if (page.data.length > 0) list.read = Math.max(list.read, page.data.at(-1).seq)
    if (page.data.length === 0 || list.read >= page.last_seq) return
  }
}

function add (kind, entry, late = false) {
  const list = lists[kind]
  if (entry.seq === (list.read || 0) + 1) list.read = entry.seq
  if (world[kind].has(entry.seq)) return
  entry.kind = kind
  entry.late = late
  world[kind].set(entry.seq, entry)
  if (world[kind].size > list.keep) world[kind].delete(world[kind].keys().next().value)
  tell(kind, entry)
}

// fetchEntry finds one entry, also one that is no longer among those kept here.
export async function fetchEntry (kind, seq) {
  if (!world[kind].has(seq)) {
    const page = await get(lists[kind].path + query({ after: seq - 1, limit: 1 }))
    if (page.data[0] && page.data[0].seq === seq) add(kind, page.data[0], true)
  }
  return world[kind].get(seq)
}

// refresh reads the state again, soon and not too often.
let waiting = false
export function refresh () {
  if (waiting) return
  waiting = true
  setTimeout(() => {
    waiting = false
    readState(epoch).catch(() => {}) // the next change reads it
  }, 150)
}

let reads = 0 // begun
let shown = 0 // the newest that was taken; an older answer comes too late

async function readState (began) {
  const turn = ++reads
  const state = await get('/sandbox/state')
  const app = state.apps.find((a) => a.appid === world.app) || state.apps[0]
  const stock = app ? (await get('/sandbox/stock' + query({ appid: app.appid }))).data : []
  if (began !== epoch || turn < shown) return
  shown = turn
  const { apps, users, templates, quotas, faults } = state
  Object.assign(world, { apps, users, templates, quotas, faults, stock })
  settle()
  setClock(state.clock)
  tell('state')
}

// settle chooses an app and a user where the chosen ones are not there.
function settle () {
  if (!appOf()) world.app = world.apps.length ? world.apps[0].appid : null
  if (userOf(world.user)) return
  const first = world.users.find((u) => u.appid === world.app)
  world.user = first ? first.openid : null
  tell('user')
}

export function setClock (clock) {
  world.ahead = Date.parse(clock.now) - Date.now()
  world.offset = clock.offset_seconds
  tell('clock')
}
