/** What create needs to know. */
export interface Options {
  /** Where your wxnotify server is, e.g. `https://n.example.com`. It must be a request domain of the mini program. */
  server: string
  /** The appid of this mini program. */
  app: string
  /** Stands in for the global `wx`, in tests and demonstrations. */
  wx?: object
}

export interface Where {
  /** Where in your mini program it happened; shown in the console when something is wrong. Not sent to the server. */
  scene?: string
}

export interface Paid {
  paid: boolean
  /** WeChat's own words, e.g. `requestPayment:fail cancel`. */
  errMsg: string
}

/** Why the subscribe sheet was not shown or gave no answer. */
export type SubscribeReason =
  | 'no_templates' | 'unknown_template' | 'not_ready' | 'not_in_tap' | 'unsupported'
  | 'network' | 'template_invalid' | 'in_background' | 'kinds_mixed' | 'too_many' | 'switched_off' | 'app_banned' | 'failed'

/** The names are those that were asked for. */
export interface Subscribed {
  accepted: string[]
  rejected: string[]
  /** Banned by WeChat. */
  banned: string[]
  /** Not shown, because another template had the same title. */
  filtered: string[]
  /** Not asked for: unknown, of the other kind, or over the limit. */
  left: string[]
  /** null when the user has answered. */
  reason: SubscribeReason | null
  /** WeChat's own words, when it refused. */
  errMsg?: string
}

/** What the user has in stock at the server: messages that can be sent now. */
export interface Stock {
  /** The openid. To show or to look something up; your server must not take it as proof of who is calling. */
  touser: string
  reachable: boolean
  permits: { form: number, payment: number, subscribe: { [template: string]: number }, longterm: string[] }
  reserved: number
  held: number
  next_expiry: string | null
}

/** No method throws, and no promise rejects. */
export interface Notify {
  /** For App.onLaunch: logs in, and uploads whenever the network comes back. */
  start(options?: object): void
  /** For App.onShow: uploads what is queued. True when the user came from a message (scene 1014 or 1107). */
  opened(options?: object): boolean
  /** For App.onHide: uploads what is queued at once. Resolves when that was tried. */
  flush(): Promise<void>
  /** For bindsubmit of `<form report-submit>`: takes `e.detail.formId`. */
  form(e: object, where?: Where): void
  /** wx.requestPayment, whose callbacks it calls as usual; after success the prepay_id is reported, where the app allows that. */
  pay(params: object, where?: Where): Promise<Paid>
  /** wx.requestSubscribeMessage by alias or template id. Call it directly in a tap or in the success callback of a payment. */
  subscribe(names: string | string[], where?: Where): Promise<Subscribed>
  /** The user's stock, or null when the server cannot be asked now. */
  me(): Promise<Stock | null>
}

/** The notifier of this server and app; a second call returns the same one. */
export function create(options: Options): Notify

/** The notifier made last. */
export const current: Notify | null
