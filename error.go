package wxnotify

import (
	"errors"
	"fmt"
	"runtime"
	"time"
)

// A Code names a refusal. Codes are part of the API: they are never renamed.
type Code string

// A Refusal is an error with a code and a sentence for the one who asked.
// Everything else that goes wrong is a fault: it keeps its context, is logged
// once at the door, and reaches the outside as internal.
type Refusal struct {
	Code       Code
	Detail     string
	Fields     []FieldError  // what is wrong where, when several things are
	RetryAfter time.Duration // when asking again makes sense
	WeChat     *WeChatError  // what WeChat said, where it was WeChat
}

// A FieldError is one fault of one field. It never holds the value.
type FieldError struct {
	Field  string `json:"field"` // data.keyword1.value, messages[3].touser
	Code   Code   `json:"code"`
	Detail string `json:"detail"`
}

// A WeChatError is WeChat's own words. RID is for asking WeChat's support.
type WeChatError struct {
	Errcode int    `json:"errcode"`
	Errmsg  string `json:"errmsg"`
	RID     string `json:"rid,omitempty"`
}

// Error is the sentence with its code in front.
func (r *Refusal) Error() string { return string(r.Code) + ": " + r.Detail }

// Refuse makes a refusal. The sentence must not hold a value or a secret.
func Refuse(c Code, format string, args ...any) *Refusal {
	return &Refusal{Code: c, Detail: fmt.Sprintf(format, args...)}
}

// RefuseField makes a refusal that concerns one field.
func RefuseField(c Code, field, format string, args ...any) *Refusal {
	r := Refuse(c, format, args...)
	r.Fields = []FieldError{{Field: field, Code: c, Detail: r.Detail}}
	return r
}

// Panicked makes a fault of a panic of ours. Only what the language itself says
// is passed on: another value may hold what a user sent.
func Panicked(p any, stack []byte) error {
	if err, ok := p.(runtime.Error); ok {
		return fmt.Errorf("panic: %w\n%s", err, stack)
	}
	return fmt.Errorf("panic: a %T\n%s", p, stack)
}

// CodeOf returns the code of a refusal, or "" of a fault and of nil.
func CodeOf(err error) Code {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.Code
	}
	return ""
}

// The codes. Each has its line in Codes.
const (
	Unauthenticated      Code = "unauthenticated"
	ScopeMissing         Code = "scope_missing"
	CredentialInURL      Code = "credential_in_url"
	NotFound             Code = "not_found"
	MethodNotAllowed     Code = "method_not_allowed"
	RateLimited          Code = "rate_limited"
	BacklogFull          Code = "backlog_full"
	BodyEmpty            Code = "body_empty"
	BodyTooLarge         Code = "body_too_large"
	JSONMalformed        Code = "json_malformed"
	JSONTrailingData     Code = "json_trailing_data"
	JSONNotObject        Code = "json_not_object"
	JSONDuplicateKey     Code = "json_duplicate_key"
	JSONTooDeep          Code = "json_too_deep"
	InvalidUTF8          Code = "invalid_utf8"
	UnsupportedMediaType Code = "unsupported_media_type"
	UnsupportedEncoding  Code = "unsupported_encoding"
	UnsupportedCharset   Code = "unsupported_charset"
	ControlCharacter     Code = "control_character"
	UnknownField         Code = "unknown_field"
	UnknownParameter     Code = "unknown_parameter"
	TypeMismatch         Code = "type_mismatch"
	FieldRequired        Code = "field_required"
	FieldInvalid         Code = "field_invalid"
	ValueTooLong         Code = "value_too_long"
	OutOfRange           Code = "out_of_range"
	CursorInvalid        Code = "cursor_invalid"
	AppRequired          Code = "app_required"
	AppUnknown           Code = "app_unknown"
	AppExists            Code = "app_exists"
	OpenIDInvalid        Code = "openid_invalid"
	OpenIDNotAllowed     Code = "openid_not_allowed"
	TemplateUnknown      Code = "template_unknown"
	TemplateDataMissing  Code = "template_data_missing"
	TemplateDataUnknown  Code = "template_data_unknown"
	TemplateValueEmpty   Code = "template_value_empty"
	TemplateValueTooLong Code = "template_value_too_long"
	TemplateValueInvalid Code = "template_value_invalid"
	ChannelInvalid       Code = "channel_invalid"
	PageInvalid          Code = "page_invalid"
	SendAtPast           Code = "send_at_past"
	SendAtTooFar         Code = "send_at_too_far"
	TimeZoneMissing      Code = "time_zone_missing"
	TimeInvalid          Code = "time_invalid"
	ExpiresAtInvalid     Code = "expires_at_invalid"
	BatchSizeInvalid     Code = "batch_size_invalid"
	IdempotencyReused    Code = "idempotency_key_reused"
	IdempotencyInvalid   Code = "idempotency_key_invalid"
	CodeRejected         Code = "code_rejected"
	CodeInvalid          Code = "code_invalid"
	FormIDMock           Code = "form_id_mock"
	PermitConflict       Code = "permit_conflict"
	PermitExpired        Code = "permit_expired"
	PermitInUse          Code = "permit_in_use"
	PaymentNotAllowed    Code = "payment_not_allowed"
	TooManyPermits       Code = "too_many_permits"
	MessageAtRest        Code = "message_at_rest"
	MessageInFlight      Code = "message_in_flight"
	MessageResolved      Code = "message_resolved"
	ContentGone          Code = "content_gone"
	URLForbiddenHost     Code = "url_forbidden_host"
	UpstreamUnavailable  Code = "upstream_unavailable"
	UpstreamRefused      Code = "upstream_refused"
	StorageUnavailable   Code = "storage_unavailable"
	StorageFull          Code = "storage_full"
	CommitUnknown        Code = "commit_unknown"
	Draining             Code = "draining"
	Internal             Code = "internal"
)

// A CodeInfo is what a code means outside: its HTTP status, the errcode that
// the gateway answers in its place, and what to do about it.
type CodeInfo struct {
	Status  int
	Errcode int
	En, Zh  string
}

// Codes is the table of all codes. docs/errors.md is drawn from it.
var Codes = map[Code]CodeInfo{
	Unauthenticated:      {401, 40001, "Send a valid key as `Authorization: Bearer KEY`; for the mini program, log in again.", "请在 `Authorization: Bearer KEY` 中携带有效的密钥；小程序端请重新登录。"},
	ScopeMissing:         {403, 48001, "Use a key that has the scope named in the detail.", "请使用具备所提示权限（scope）的密钥。"},
	CredentialInURL:      {400, 40001, "Move the key from the query string to the Authorization header; URLs end up in logs. Revoke the key if others may have seen it.", "请把密钥从查询串移到 Authorization 头，URL 会被写进日志；若可能已泄露，请吊销该密钥。"},
	NotFound:             {404, 40066, "Check the id and the path. Objects of other apps look the same as absent ones.", "请检查 id 与路径。属于其他应用的对象与不存在的对象返回相同结果。"},
	MethodNotAllowed:     {405, 43001, "Use one of the methods in the Allow header.", "请使用 Allow 头中列出的方法。"},
	RateLimited:          {429, 45011, "Wait for as long as Retry-After says.", "请按 Retry-After 指定的时间等待后重试。"},
	BacklogFull:          {429, -1, "This app has too many messages waiting. Find out why they do not go out, or wait.", "该应用积压的消息过多，请先查明未发出的原因，或稍后再试。"},
	BodyEmpty:            {400, 44002, "Send a JSON object as the body.", "请求体不能为空，应为 JSON 对象。"},
	BodyTooLarge:         {413, 45002, "Send less at once: 256 KiB, 8 MiB for a batch.", "请减小请求体：单条 256 KiB，批量 8 MiB。"},
	JSONMalformed:        {400, 47001, "The body is not valid JSON; the detail says at which byte.", "请求体不是合法的 JSON，出错位置见 detail。"},
	JSONTrailingData:     {400, 47001, "Something follows the JSON object. Send exactly one.", "JSON 对象之后还有多余内容，请只发送一个对象。"},
	JSONNotObject:        {400, 47001, "The body must be a JSON object.", "请求体必须是 JSON 对象。"},
	JSONDuplicateKey:     {400, 47001, "A name appears twice in one object. Remove one.", "同一对象中存在重复的字段名，请删除其一。"},
	JSONTooDeep:          {400, 47001, "Nest at most 8 levels deep.", "JSON 嵌套不得超过 8 层。"},
	InvalidUTF8:          {400, 47001, "Send UTF-8.", "请使用 UTF-8 编码。"},
	UnsupportedMediaType: {415, 47001, "Send Content-Type: application/json.", "请使用 Content-Type: application/json。"},
	UnsupportedEncoding:  {415, 47001, "Send the body uncompressed.", "请求体不要压缩。"},
	UnsupportedCharset:   {415, 47001, "Send UTF-8.", "请使用 UTF-8 字符集。"},
	ControlCharacter:     {422, 47003, "Remove control and direction-override characters.", "请去掉控制字符与文字方向控制符。"},
	UnknownField:         {422, 47001, "There is no field of this name; names are matched exactly, with their case.", "没有这个字段；字段名区分大小写，须完全一致。"},
	UnknownParameter:     {422, 47001, "There is no query parameter of this name, or it was given twice.", "没有这个查询参数，或参数重复。"},
	TypeMismatch:         {422, 47001, "The value has the wrong JSON type.", "字段的 JSON 类型不对。"},
	FieldRequired:        {422, 47001, "Add the field.", "缺少必填字段。"},
	FieldInvalid:         {422, 47001, "The value is not one of those allowed.", "字段的取值不合法。"},
	ValueTooLong:         {422, 47001, "Shorten the value.", "取值过长，请缩短。"},
	OutOfRange:           {422, 47001, "Choose a number within the range that the detail names.", "数值超出允许范围，范围见 detail。"},
	CursorInvalid:        {400, 47001, "Use next_cursor as it came, with the same filters.", "请原样使用 next_cursor，且保持筛选条件不变。"},
	AppRequired:          {422, 40013, "Name the app: several exist, and the key is not bound to one.", "存在多个应用且密钥未绑定应用，请指明 app。"},
	AppUnknown:           {404, 40013, "Check the appid; register it with `wxnotify app add`.", "请检查 appid；可用 `wxnotify app add` 注册。"},
	AppExists:            {409, 40013, "The app is registered already; change it with PATCH.", "该应用已注册，请用 PATCH 修改。"},
	OpenIDInvalid:        {422, 40003, "An openid has 6 to 64 letters, digits, - and _, and belongs to this app.", "openid 由 6–64 位字母、数字、- 和 _ 组成，且须属于该应用。"},
	OpenIDNotAllowed:     {422, 40003, "Leave the openid out: it comes from the session.", "请勿传 openid，以登录会话为准。"},
	TemplateUnknown:      {422, 40037, "Check the template id; run `wxnotify template sync` after adding it at WeChat.", "请检查模板 id；在微信后台添加后请执行 `wxnotify template sync`。"},
	TemplateDataMissing:  {422, 47003, "The template has a keyword that data lacks.", "data 缺少模板中的关键词。"},
	TemplateDataUnknown:  {422, 47003, "data has a key that the template lacks.", "data 含有模板中没有的关键词。"},
	TemplateValueEmpty:   {422, 47003, "Give the keyword a value.", "关键词的内容不能为空。"},
	TemplateValueTooLong: {422, 47003, "Shorten the value to what its kind allows.", "内容超过该类型的长度限制，请缩短。"},
	TemplateValueInvalid: {422, 47003, "The value does not fit its kind.", "内容不符合该类型的格式。"},
	ChannelInvalid:       {422, 47001, "The template belongs to the other channel, or a form_id was given for a subscribe message.", "模板属于另一种通道，或订阅消息带了 form_id。"},
	PageInvalid:          {422, 41030, "Give a path inside the mini program, without scheme, leading slash or `../`.", "page 应为小程序内路径，不带协议、开头斜杠或 `../`。"},
	SendAtPast:           {422, 47001, "Leave send_at out, or name a time in the future.", "send_at 已过；立即发送请省略该字段。"},
	SendAtTooFar:         {422, 47001, "Schedule at most 30 days ahead.", "send_at 最多提前 30 天。"},
	TimeZoneMissing:      {422, 47001, "Write the time with its zone, such as 2026-01-02T15:04:05+08:00.", "时间须带时区，例如 2026-01-02T15:04:05+08:00。"},
	TimeInvalid:          {422, 47001, "Write the time as RFC 3339 has it.", "时间格式须符合 RFC 3339。"},
	ExpiresAtInvalid:     {422, 47001, "expires_at must lie after send_at and in the future.", "expires_at 须晚于 send_at 且在将来。"},
	BatchSizeInvalid:     {422, 47001, "Send as many items as the detail says.", "批量条数超出范围，见 detail。"},
	IdempotencyReused:    {422, 47001, "This Idempotency-Key was used with other content. Use a new one for a new message.", "该 Idempotency-Key 已用于其他内容，新消息请换用新的键。"},
	IdempotencyInvalid:   {400, 47001, "An Idempotency-Key has 1 to 255 visible characters; in a batch it belongs into the items.", "Idempotency-Key 为 1–255 个可见字符；批量时请写在各条目内。"},
	CodeRejected:         {401, 40029, "Call wx.login again and send the new code.", "请重新调用 wx.login 并使用新的 code。"},
	CodeInvalid:          {422, 41028, "This cannot be a form_id or prepay_id. Pass a prepay_id without `prepay_id=`.", "这不是合法的 form_id 或 prepay_id；prepay_id 请去掉 `prepay_id=` 前缀。"},
	FormIDMock:           {422, 41028, "The client had no form_id to give: try on a phone, in the released version, or mark the app as sandbox.", "客户端没有真实的 form_id：请在真机正式版上测试，或把应用标记为沙箱。"},
	PermitConflict:       {422, 41028, "This code was handed in for another user already.", "该 code 已登记在另一位用户名下。"},
	PermitExpired:        {422, 41028, "The permit is past its seven days.", "该授权已超过 7 天有效期。"},
	PermitInUse:          {409, 41029, "A message holds this permit.", "该授权正被一条消息占用。"},
	PaymentNotAllowed:    {422, 41028, "Report payments from your own server after they were paid, or allow mp_payments for the app.", "支付请由自己的服务端在支付成功后上报，或为应用开启 mp_payments。"},
	TooManyPermits:       {422, 45009, "This user has as many live form_ids as are kept.", "该用户保存的有效 form_id 已达上限。"},
	MessageAtRest:        {409, 47001, "The message has ended; resend makes a new one.", "消息已终结；可用 resend 生成新消息。"},
	MessageInFlight:      {409, 47001, "The message is on its way to WeChat. Ask again in a moment.", "消息正在发往微信，请稍后再试。"},
	MessageResolved:      {409, 47001, "Only an unknown or unsure message can be resolved.", "只有状态为 unknown 或 unsure 的消息可以人工判定。"},
	ContentGone:          {409, 47001, "The content was deleted after the retention time; send it anew.", "内容已按保留期删除，请重新提交。"},
	URLForbiddenHost:     {422, 47001, "Use a public https address, or open the range with webhook_allow.", "请使用公网 https 地址，或用 webhook_allow 放行该网段。"},
	UpstreamUnavailable:  {503, -1, "WeChat did not answer. Try again.", "微信没有应答，请稍后再试。"},
	UpstreamRefused:      {502, -1, "WeChat refused; its errcode is in `wechat`.", "微信拒绝了请求，errcode 见 `wechat`。"},
	StorageUnavailable:   {503, -1, "The database cannot be reached. Try again; nothing was accepted.", "数据库暂不可用，请稍后再试；请求未被接收。"},
	StorageFull:          {503, -1, "The disk is full. Make room; reading goes on.", "磁盘已满，请清理空间；读取不受影响。"},
	CommitUnknown:        {503, -1, "The database was lost while it wrote. Ask again with the same Idempotency-Key.", "写入时数据库失联，结果未知；请用同一 Idempotency-Key 重试。"},
	Draining:             {503, -1, "This node is stopping. Ask another one, or in a moment.", "该节点正在停止，请换节点或稍后再试。"},
	Internal:             {500, -1, "Our fault. Report the request_id.", "内部错误，请附 request_id 反馈。"},
}
