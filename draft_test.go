package wxnotify

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// order is the message of the article that wxnotify began with.
func order() *Draft {
	const ink = "#173177"
	return &Draft{
		App: "wx1", To: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", TemplateID: "TEMPLATE", Page: "pages/order/detail?id=1019", FormID: "22d907226dcd4542afb8829fa5e20768",
		Data: []Datum{
			{Key: "keyword1", Value: "已接单", Color: ink}, {Key: "keyword2", Value: "2017年10月19日 12:31", Color: ink}, {Key: "keyword3", Value: "张一山", Color: ink},
			{Key: "keyword4", Value: "136xxxx1720", Color: ink}, {Key: "keyword5", Value: "请手机保持通畅", Color: ink},
		},
		Emphasis: "keyword1.DATA",
	}
}

func fiveKeywords() *Template {
	t := &Template{Channel: ChannelTemplate}
	for _, k := range []string{"keyword1", "keyword2", "keyword3", "keyword4", "keyword5"} {
		t.Keywords = append(t.Keywords, Keyword{Key: k})
	}
	return t
}

func TestDraftCheck(t *testing.T) {
	t.Parallel()
	subscribe := func(key, value string) func(*Draft) {
		return func(d *Draft) { d.FormID, d.Emphasis, d.Data = "", "", []Datum{{Key: key, Value: value}} }
	}
	for name, c := range map[string]struct {
		change func(*Draft)
		tpl    *Template
		field  string
		code   Code
	}{
		"the article's message":  {func(*Draft) {}, fiveKeywords(), "", ""},
		"template not known":     {func(*Draft) {}, nil, "", ""},
		"no openid":              {func(d *Draft) { d.To = "" }, nil, "touser", FieldRequired},
		"openid with a blank":    {func(d *Draft) { d.To = "o pen id" }, nil, "touser", OpenIDInvalid},
		"template with a blank":  {func(d *Draft) { d.TemplateID = "a b" }, nil, "template_id", TemplateUnknown},
		"page with a scheme":     {func(d *Draft) { d.Page = "https://example.com" }, nil, "page", PageInvalid},
		"page with a slash":      {func(d *Draft) { d.Page = "/pages/x" }, nil, "page", PageInvalid},
		"page that climbs":       {func(d *Draft) { d.Page = "pages/../x" }, nil, "page", PageInvalid},
		"page of text after ?":   {func(d *Draft) { d.Page = "pages/x?q=../你好" }, nil, "", ""},
		"keyword missing":        {func(d *Draft) { d.Data = d.Data[:4] }, fiveKeywords(), "data.keyword5", TemplateDataMissing},
		"keyword unknown":        {func(d *Draft) { d.Data = append(d.Data, Datum{Key: "keyword6", Value: "x"}) }, fiveKeywords(), "data.keyword6", TemplateDataUnknown},
		"key that cannot be one": {func(d *Draft) { d.Data[0].Key = "Keyword1" }, nil, "data.Keyword1", TemplateDataUnknown},
		"empty value":            {func(d *Draft) { d.Data[2].Value = " " }, nil, "data.keyword3.value", TemplateValueEmpty},
		"2000 characters":        {func(d *Draft) { d.Data[2].Value = strings.Repeat("字", 2000) }, nil, "", ""},
		"2001 characters":        {func(d *Draft) { d.Data[2].Value = strings.Repeat("字", 2001) }, nil, "data.keyword3.value", TemplateValueTooLong},
		"markup is text":         {func(d *Draft) { d.Data[2].Value = "<script>alert(1)</script>\n' OR 1=1 --" }, nil, "", ""},
		"colour by name":         {func(d *Draft) { d.Data[2].Color = "red" }, nil, "data.keyword3.color", FieldInvalid},
		"emphasis of nothing":    {func(d *Draft) { d.Emphasis = "keyword9.DATA" }, nil, "emphasis_keyword", FieldInvalid},
		"emphasis without .DATA": {func(d *Draft) { d.Emphasis = "keyword1" }, nil, "emphasis_keyword", FieldInvalid},
		"mock form_id":           {func(d *Draft) { d.FormID = "the formId is a mock one" }, nil, "form_id", FormIDMock},
		"form_id too short":      {func(d *Draft) { d.FormID = "123" }, nil, "form_id", CodeInvalid},
		"form_id, other channel": {func(d *Draft) { d.Channel = ChannelSubscribe }, nil, "form_id", ChannelInvalid},
		"no data":                {func(d *Draft) { d.Data, d.Emphasis = nil, "" }, nil, "data", FieldRequired},
		"send_at past":           {func(d *Draft) { d.SendAt = noon.Add(-time.Second) }, nil, "send_at", SendAtPast},
		"send_at in 31 days":     {func(d *Draft) { d.SendAt = noon.Add(31 * 24 * time.Hour) }, nil, "send_at", SendAtTooFar},
		"expires before it goes": {func(d *Draft) { d.SendAt, d.ExpiresAt = noon.Add(time.Hour), noon.Add(time.Minute) }, nil, "expires_at", ExpiresAtInvalid},
		"state of another world": {func(d *Draft) { d.MiniprogramState = "beta" }, nil, "miniprogram_state", FieldInvalid},
		"on_unsure":              {func(d *Draft) { d.OnUnsure = "guess" }, nil, "on_unsure", FieldInvalid},
		"nine names of meta": {func(d *Draft) {
			d.Meta = map[string]string{"1": "", "2": "", "3": "", "4": "", "5": "", "6": "", "7": "", "8": "", "9": ""}
		}, nil, "meta", OutOfRange},
		"long name of meta":        {func(d *Draft) { d.Meta = map[string]string{strings.Repeat("n", 41): ""} }, nil, "meta", ValueTooLong},
		"long value of meta":       {func(d *Draft) { d.Meta = map[string]string{"order": strings.Repeat("n", 257)} }, nil, "meta.order", ValueTooLong},
		"thing of 20":              {subscribe("thing1", strings.Repeat("字", 20)), nil, "", ""},
		"thing of 21":              {subscribe("thing1", strings.Repeat("字", 21)), nil, "data.thing1.value", TemplateValueTooLong},
		"line break in a thing":    {subscribe("thing1", "a\nb"), nil, "data.thing1.value", TemplateValueInvalid},
		"number":                   {subscribe("number2", "12.50"), nil, "", ""},
		"number with a unit":       {subscribe("number2", "12元"), nil, "data.number2.value", TemplateValueInvalid},
		"amount":                   {subscribe("amount3", "¥28.50元"), nil, "", ""},
		"phrase":                   {subscribe("phrase4", "已接单"), nil, "", ""},
		"phrase of six":            {subscribe("phrase4", "六个字的短语"), nil, "data.phrase4.value", TemplateValueTooLong},
		"phrase with a letter":     {subscribe("phrase4", "已接A"), nil, "data.phrase4.value", TemplateValueInvalid},
		"time":                     {subscribe("time5", "2019年10月1日 15:01"), nil, "", ""},
		"time without one":         {subscribe("time5", "下午"), nil, "data.time5.value", TemplateValueInvalid},
		"date":                     {subscribe("date6", "2019-10-01 15:01~2019-10-02 15:01"), nil, "", ""},
		"phone":                    {subscribe("phone_number7", "+86-0766-66888866"), nil, "", ""},
		"car":                      {subscribe("car_number8", "粤A8Z888挂"), nil, "", ""},
		"name of ten":              {subscribe("name9", strings.Repeat("名", 10)), nil, "", ""},
		"name of eleven":           {subscribe("name9", strings.Repeat("名", 11)), nil, "data.name9.value", TemplateValueTooLong},
		"character string, Han":    {subscribe("character_string10", "订单1"), nil, "data.character_string10.value", TemplateValueInvalid},
		"a kind of tomorrow":       {subscribe("hologram1", strings.Repeat("字", 100)), nil, "", ""},
		"template of other family": {func(*Draft) {}, &Template{Channel: ChannelSubscribe}, "form_id", ChannelInvalid},
	} {
		d := order()
		c.change(d)
		d.Resolve(c.tpl, noon)
		err := d.Check(c.tpl, false, noon)
		var r *Refusal
		if c.code == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if !errors.As(err, &r) || !slices.ContainsFunc(r.Fields, func(f FieldError) bool { return f.Field == c.field && f.Code == c.code }) {
			t.Errorf("%s: %+v; want %s at %s", name, err, c.code, c.field)
		}
	}
}

// Every kind with values at its limits and just beyond them (wechat-api.md 5.2).
func TestKindsOfValues(t *testing.T) {
	t.Parallel()
	n := strings.Repeat
	for kind, c := range map[string]struct{ good, bad []string }{
		"thing":            {[]string{"x", n("字", 20), "a 1 #"}, []string{n("字", 21), "a\nb", "a\x00", "a\tb"}},
		"number":           {[]string{"0", "12.50", n("1", 32)}, []string{"+5", "-1", "1a", "1,000", "1.", ".5", "１２", n("1", 33)}},
		"letter":           {[]string{"abc", n("Z", 32)}, []string{"a1", "字", "a b", n("a", 33)}},
		"symbol":           {[]string{"!@#", "￥", "-/*+="}, []string{"a", "1", "字", "! !", "!!!!!!"}},
		"character_string": {[]string{"A-1019", "a b", n("x", 32), "No．1—2￥"}, []string{"订单1", "A　1", n("x", 33)}},
		"time": {[]string{"15:01", "9:05", "00:00", "23:59:59", "2019年10月1日 15:01", "2019-10-01 15:01:30", "15:01~16:00", "2019-10-01 15:01 ~ 2019-10-02 16:00", "2019年10月1日 15:01~16:00", "10月1日 15:01"},
			[]string{"99:99", "24:00", "15:60", "15:01:60", "foo 12:31", "12:31 foo", "：", "15：01", "15:1", "2019年10月1日", "2019-13-01 15:01", "15:01~", "~15:01", "下午", "15:01~16:00~17:00"}},
		"date": {[]string{"2019年10月1日", "2019-10-01", "2019/10/1", "2019.10.01", "2019年10月1日 15:01", "2019-10-01~2019-10-03", "2019-10-01 15:01~2019-10-02 15:01",
			"2019年10月", "10月1日", "2019-10", "2019/10", "2019.10", "10-01", "10/1", "10.01", "10月1日 15:01", "10月1日~10月3日"},
			[]string{"2019-99-99x", "2019-99-99", "2019-00-10", "2019-10-32", "2019-10-01x", "x2019-10-01", "19-10-01", "20191001", "2019", "2019年", "10月", "2019年10", "13-01", "10-32", "0-1", "2019-10/01", "15:01", "2019年10-01", "2019-10-01 25:00", "2019-10-01~"}},
		"amount":       {[]string{"28.50", "¥28.50", "￥1", "$100", "28.50元", "¥28.50元", "1234567890"}, []string{"~12", "-12", "+12", "12345678901", "¥¥1", "RMB 5", "元", "12元整", "12 "}},
		"phone_number": {[]string{"13600001720", "+86-0766-66888866", "(0766)66888866", "136****1720", n("1", 17)}, []string{"136xxxx1720", "电话1", n("1", 18)}},
		"car_number":   {[]string{"粤A8Z888挂", "京A12345", "A12345"}, []string{"粤A8Z8889挂", "京", "A京12345", "粤A 12345"}},
		"name":         {[]string{"张一山", "Jean-Luc Picard", n("名", 10), n("a", 20)}, []string{n("名", 11), n("a", 21), "张" + n("a", 10), "R2D2"}},
		"phrase":       {[]string{"已接单", n("字", 5)}, []string{n("字", 6), "已接A", "ok", "已接单!"}},
		"enum_string":  {[]string{"已完成", n("字", 40)}, []string{"已\n完成"}},
	} {
		if _, ok := valueKinds[kind]; !ok {
			t.Errorf("%s is no kind", kind)
		}
		for _, v := range c.good {
			if err := CheckValue(kind+"1", v); err != nil {
				t.Errorf("%s: %q is refused: %v", kind, v, err)
			}
		}
		for _, v := range c.bad {
			if err := CheckValue(kind+"1", v); CodeOf(err) != TemplateValueInvalid && CodeOf(err) != TemplateValueTooLong {
				t.Errorf("%s: %q is taken", kind, v)
			}
		}
	}
}

// What an enum_string may say is the template's to know.
func TestAnEnumSaysOneOfItsValues(t *testing.T) {
	t.Parallel()
	tpl := &Template{Channel: ChannelSubscribe, Keywords: []Keyword{{Key: "enum_string1", Values: []string{"进站", "出站"}}, {Key: "enum_string2"}}}
	for value, want := range map[string]Code{"进站": "", "出站": "", "换乘": TemplateValueInvalid, "进": TemplateValueInvalid} {
		d := order()
		d.FormID, d.Emphasis, d.Data = "", "", []Datum{{Key: "enum_string1", Value: value}, {Key: "enum_string2", Value: "anything"}}
		d.Resolve(tpl, noon)
		err := d.Check(tpl, false, noon)
		if CodeOf(err) != want {
			t.Errorf("%s: %v, want %q", value, err, want)
		}
		var r *Refusal
		if want != "" && (!errors.As(err, &r) || len(r.Fields) != 1 || r.Fields[0].Field != "data.enum_string1.value") {
			t.Errorf("%s: %+v", value, err)
		}
	}
}

func TestDraftSaysEverythingThatIsWrongAtOnce(t *testing.T) {
	t.Parallel()
	d := order()
	d.To, d.Page, d.Data[0].Value = "?", "/x", ""
	d.Resolve(nil, noon)
	var r *Refusal
	if err := d.Check(nil, false, noon); !errors.As(err, &r) || len(r.Fields) != 3 {
		t.Errorf("got %+v, want three faults", r)
	}
}

func TestRenderedBodyIsWhatTheArticlePosts(t *testing.T) {
	t.Parallel()
	d := order()
	d.Resolve(nil, noon)
	m := d.Message("msg_1", noon)
	got := string(Splice(m.Body, d.FormID))
	want := `{"form_id":"22d907226dcd4542afb8829fa5e20768","touser":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o","template_id":"TEMPLATE","page":"pages/order/detail?id=1019",` +
		`"data":{"keyword1":{"value":"已接单","color":"#173177"},"keyword2":{"value":"2017年10月19日 12:31","color":"#173177"},"keyword3":{"value":"张一山","color":"#173177"},` +
		`"keyword4":{"value":"136xxxx1720","color":"#173177"},"keyword5":{"value":"请手机保持通畅","color":"#173177"}},"emphasis_keyword":"keyword1.DATA"}`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if m.State != Queued || m.Channel != ChannelTemplate || !m.Fixed || m.ExpiresAt != noon.Add(Lasts) {
		t.Errorf("%+v", m)
	}
}

// What is rendered by hand reads back as what went in, whatever it was.
func FuzzRender(f *testing.F) {
	f.Add("keyword1", "已接单", "#173177", "pages/x")
	f.Add("thing1", "\"\\\n\r\t\x01<>&\u2028", "", "")
	f.Fuzz(func(t *testing.T, key, value, color, page string) {
		for _, s := range []string{key, value, color, page} {
			if !utf8.ValidString(s) {
				t.Skip("the decoder lets valid UTF-8 through only")
			}
		}
		d := &Draft{To: "o1", Page: page, Data: []Datum{{Key: key, Value: value, Color: color}}, Channel: ChannelTemplate}
		var got struct {
			FormID string `json:"form_id"`
			Page   string `json:"page"`
			Data   map[string]struct{ Value, Color string }
		}
		if err := json.Unmarshal(Splice(d.Render("T"), "code"), &got); err != nil {
			t.Fatal(err)
		}
		if x := got.Data[key]; x.Value != value || x.Color != color || got.Page != page || got.FormID != "code" {
			t.Errorf("%+v", got)
		}
	})
}

func FuzzCheckValue(f *testing.F) {
	f.Add("thing1", "字")
	f.Add("_1", "")
	f.Fuzz(func(t *testing.T, key, value string) {
		if err := CheckValue(key, value); err != nil && CodeOf(err) == "" {
			t.Errorf("no refusal: %v", err)
		}
	})
}

func TestFingerprintSeesContentAndNothingElse(t *testing.T) {
	t.Parallel()
	same := func(change func(*Draft)) bool {
		a, b := order(), order()
		change(b)
		return a.Fingerprint() == b.Fingerprint()
	}
	for name, c := range map[string]struct {
		change func(*Draft)
		same   bool
	}{
		"nothing":          {func(*Draft) {}, true},
		"another key":      {func(d *Draft) { d.IdempotencyKey = "2" }, true},
		"another order":    {func(d *Draft) { d.Data[0], d.Data[1] = d.Data[1], d.Data[0] }, true},
		"zone of send_at":  {func(d *Draft) { d.SendAt = time.Time{} }, true},
		"another value":    {func(d *Draft) { d.Data[0].Value = "已送达" }, false},
		"another colour":   {func(d *Draft) { d.Data[0].Color = "" }, false},
		"another user":     {func(d *Draft) { d.To = "oSomebodyElse" }, false},
		"another time":     {func(d *Draft) { d.SendAt = noon }, false},
		"to wait":          {func(d *Draft) { d.Wait = true }, false},
		"meta":             {func(d *Draft) { d.Meta = map[string]string{"a": "b"} }, false},
		"without form_id":  {func(d *Draft) { d.FormID = "" }, false},
		"value into key":   {func(d *Draft) { d.Data[0].Value, d.Data[0].Color = "已接单#173177", "" }, false},
		"patient or hasty": {func(d *Draft) { d.OnUnsure = Resend }, false},
	} {
		if got := same(c.change); got != c.same {
			t.Errorf("%s: same content is %v", name, got)
		}
	}
}

func TestWhatASourceGives(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		d    Deposit
		rows int
		ends time.Time
		code Code
	}{
		"form":            {Deposit{Source: Form, GivenAt: noon}, 1, noon.Add(7 * 24 * time.Hour), ""},
		"payment":         {Deposit{Source: Payment, GivenAt: noon.Add(-time.Hour)}, 3, noon.Add(7*24*time.Hour - time.Hour), ""},
		"one acceptance":  {Deposit{Source: Subscribe, GivenAt: noon}, 1, time.Time{}, ""},
		"two acceptances": {Deposit{Source: Subscribe, Count: 2, GivenAt: noon}, 2, time.Time{}, ""},
		"long-term":       {Deposit{Source: Longterm, GivenAt: noon}, 1, time.Time{}, ""},
		"form, 8 days":    {Deposit{Source: Form, GivenAt: noon.Add(-8 * 24 * time.Hour)}, 0, time.Time{}, PermitExpired},
	} {
		rows, err := c.d.Open(noon)
		if CodeOf(err) != c.code || len(rows) != c.rows {
			t.Errorf("%s: %d rows, %v", name, len(rows), err)
		}
		for i, r := range rows {
			if r.Use != i+1 || r.State != PermitFree || !r.ExpiresAt.Equal(c.ends) {
				t.Errorf("%s: row %+v", name, r)
			}
		}
	}
	for code, want := range map[string]Source{"wx01150933662987c5afcc9d041018071500": Payment, "1508392837549": Form, "22d907226dcd4542afb8829fa5e20768": Form} {
		if got := SourceOf(code); got != want {
			t.Errorf("%s is taken for a %s", code, got)
		}
	}
}

func TestSecretsPrintAsNothing(t *testing.T) {
	t.Parallel()
	s := NewSecret("canary")
	j, _ := json.Marshal(struct{ S Secret }{s})
	for _, text := range []string{s.String(), s.GoString(), string(j)} {
		if strings.Contains(text, "canary") {
			t.Errorf("it says %s", text)
		}
	}
	for _, verb := range []string{"%d", "%x", "%X", "% x", "%v", "%+v", "%#v", "%s", "%q", "%t", "%p", "%!"} {
		if got := fmt.Sprintf(verb, s); !strings.Contains(got, redacted) && !strings.Contains(got, "%!") {
			t.Errorf("%s prints %s", verb, got)
		}
		for name, holder := range map[string]any{
			"itself": s, "a pointer": &s, "an exported field": struct{ S Secret }{s}, "an unexported field": struct{ s Secret }{s},
			"a list in an unexported field": struct{ s []Secret }{[]Secret{s}}, "a map in an unexported field": struct{ m map[string]Secret }{map[string]Secret{"x": s}},
			"a pointer to an unexported field": &struct{ s Secret }{s}, "an app": App{Secret: s, Callback: Callback{Token: s}},
		} {
			got := strings.ToLower(fmt.Sprintf(verb, holder))
			if strings.Contains(got, "canary") || strings.Contains(got, "63616e617279") || strings.Contains(got, "63 61 6e") {
				t.Errorf("%s of %s prints %s", verb, name, got)
			}
		}
	}
	if s != NewSecret("can"+"ary") || s == NewSecret("other") || s.Reveal() != "canary" || s.IsZero() || !NewSecret("").IsZero() || (Secret{}).Reveal() != "" {
		t.Error("a secret is not its text")
	}
}

func TestEveryCodeSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for c, info := range Codes {
		if info.Status < 400 || info.En == "" || info.Zh == "" || info.Errcode == 0 {
			t.Errorf("%s: %+v", c, info)
		}
	}
}

func TestATemplateAdaptsADraft(t *testing.T) {
	t.Parallel()
	classic := &Template{ID: "C", Channel: ChannelTemplate, Keywords: []Keyword{{Key: "keyword1"}, {Key: "keyword2"}}, Fields: map[string]string{"status": "keyword1", "rider": "keyword2"}}
	prompt := &Template{ID: "S", Channel: ChannelSubscribe, Keywords: []Keyword{{Key: "thing1"}}, Fields: map[string]string{"status": "thing1"}, Trim: true}
	for name, c := range map[string]struct {
		t, other *Template
		data     []Datum
		want     []Datum
	}{
		"names become keywords": {classic, nil, []Datum{{Key: "status", Value: "a"}, {Key: "rider", Value: "b"}},
			[]Datum{{Key: "keyword1", Value: "a", Name: "status"}, {Key: "keyword2", Value: "b", Name: "rider"}}},
		"keywords stay": {classic, nil, []Datum{{Key: "keyword1", Value: "a"}}, []Datum{{Key: "keyword1", Value: "a"}}},
		"a keyword and its name are one too many": {classic, nil, []Datum{{Key: "keyword1", Value: "a"}, {Key: "status", Value: "b"}},
			[]Datum{{Key: "keyword1", Value: "a"}, {Key: "status", Value: "b"}}},
		"what is the other template's is left out": {prompt, classic, []Datum{{Key: "status", Value: "a"}, {Key: "rider", Value: "b"}, {Key: "color", Value: "c"}},
			[]Datum{{Key: "thing1", Value: "a", Name: "status"}, {Key: "color", Value: "c"}}},
		"long values are cut": {prompt, nil, []Datum{{Key: "thing1", Value: "一\n" + strings.Repeat("二", 20)}},
			[]Datum{{Key: "thing1", Value: "一 " + strings.Repeat("二", 17) + "…"}}},
		"of classic templates nothing is cut": {classic, nil, []Datum{{Key: "keyword1", Value: strings.Repeat("二", 30)}},
			[]Datum{{Key: "keyword1", Value: strings.Repeat("二", 30)}}},
	} {
		d := &Draft{Data: c.data}
		c.t.Adapt(d, c.other)
		if !slices.Equal(d.Data, c.want) {
			t.Errorf("%s: %+v", name, d.Data)
		}
	}
}
