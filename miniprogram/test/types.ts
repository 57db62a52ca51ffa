// Compiled, never run: the types say what the README says.
import { create, current, Notify, Subscribed, Stock } from '../miniprogram_dist'

const notify: Notify = create({ server: 'https://n.example.com', app: 'wx0000000000000001' })
notify.start({ scene: 1001 })
const fromCard: boolean = notify.opened()
notify.form({ detail: { formId: 'x' } }, { scene: 'order' })
notify.form({})

async function all(): Promise<void> {
  const { paid, errMsg } = await notify.pay({ package: 'prepay_id=wx' }, { scene: 'order' })
  const answer: Subscribed = await notify.subscribe(['accepted'])
  if (answer.reason === 'not_in_tap' || !paid) console.log(answer.accepted.length, errMsg, answer.errMsg)
  const stock: Stock | null = await notify.me()
  if (stock) console.log(stock.permits.subscribe['T'], stock.permits.longterm[0])
  await notify.flush()
  if (current) current.opened({ scene: 1014 })
  console.log(fromCard)
}
all()

// @ts-expect-error server is required
create({ app: 'wx' })
// @ts-expect-error reasons are a closed list
const wrong: Subscribed['reason'] = 'whatever'
console.log(wrong)
