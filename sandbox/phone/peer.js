// The wxnotify server beside the sandbox, in demo. Here the page does what a
// mini program does (log in, hand in permits), and what a backend does (report
// payments, send messages). Without a server nothing of it is shown.

import { ask, get, post, query } from './api.js'
import { t } from './words.js'
import { now, refresh, world } from './world.js'

export async function findServer () {
  const { server } = await get('/sandbox/server')
  world.server = server
}

const withKey = () => ({ Authorization: 'Bearer ' + world.server.key })
const ours = () => world.server && world.app === world.server.appid

// sessions by openid, as the mini program on each phone would have one.
const sessions = new Map()

async function session (openid) {
  if (!(sessions.get(openid)?.until > now())) {
    const { code } = await post('/sandbox/login', { appid: world.app, openid })
    const login = await ask('POST', '/server/mp/v1/login', { app: world.app, code })
    sessions.set(openid, { token: login.session, until: new Date(now().getTime() + login.expires_in * 1000) })
  }
  return sessions.get(openid).token
}

// handIn hands the user's permits to the server. A payment is reported by the
// app's own backend, which knows that it was paid; the rest comes from the
// mini program.
export async function handIn (permits) {
  if (!ours()) return
  const openid = world.user
  const upload = permits.filter((p) => p.source !== 'payment').map((p) => ({ id: newID(), ...p }))
  const report = permits.filter((p) => p.source === 'payment').map((p) => ({ touser: openid, ...p }))
  const answers = []
  if (upload.length) answers.push(await fromPhone(openid, upload))
  if (report.length) answers.push(await ask('POST', '/server/v1/permits', { app: world.app, permits: report }, withKey()))
  const refused = answers.flatMap((a) => a.results).find((r) => r.error)
  if (refused) throw new Error(t('not_taken') + ' ' + (refused.error.detail || refused.error.title))
  refresh()
}

async function fromPhone (openid, permits) {
  const upload = async () => ask('POST', '/server/mp/v1/permits', { permits }, { Authorization: 'Bearer ' + await session(openid) })
  try {
    return await upload()
  } catch (e) {
    if (e.status !== 401) throw e
    sessions.delete(openid) // unknown, for instance to a server that was started anew
    return upload()
  }
}

function newID () {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('')
}

// serverStock is what the server's ledger says of the user; null without one.
export async function serverStock (openid) {
  if (!ours()) return null
  return ask('GET', '/server/v1/users/' + openid + query({ app: world.app }), undefined, withKey())
}

export const sendMessage = (message) => ask('POST', '/server/v1/messages', message, withKey())
export const readMessage = (id) => ask('GET', '/server/v1/messages/' + id, undefined, withKey())
