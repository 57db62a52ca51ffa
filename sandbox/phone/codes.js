// WeChat's errcodes: what each means, and what the server does about it.

import { get } from './api.js'
import { language } from './words.js'

export let codes = []
export async function readCodes () { codes = await get('/phone/codes.json') }

export const codeOf = (errcode) => codes.find((c) => c.errcode === errcode)
export const meaning = (errcode) => codeOf(errcode)?.[language] || ''
