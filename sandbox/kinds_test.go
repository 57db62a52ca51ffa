package sandbox

import (
	"strings"
	"testing"
)

func TestKindsOfValues(t *testing.T) {
	t.Parallel()
	for key, c := range map[string]struct{ good, bad []string }{
		"thing1":            {[]string{"x", "请手机保持通畅", strings.Repeat("一", 20), "a 1 #"}, []string{"", strings.Repeat("一", 21), "a\nb", "a\x00"}},
		"number1":           {[]string{"0", "12.50", strings.Repeat("1", 32)}, []string{"1a", "1,000", "-1", "1.", strings.Repeat("1", 33)}},
		"letter1":           {[]string{"abc", strings.Repeat("Z", 32)}, []string{"a1", "汉", strings.Repeat("a", 33)}},
		"symbol1":           {[]string{"!@#", "￥"}, []string{"a", "!!!!!!"}},
		"character_string1": {[]string{"A-1019", "a b", strings.Repeat("x", 32)}, []string{"汉字", strings.Repeat("x", 33)}},
		"time1":             {[]string{"15:01", "15:01:30", "2019年10月1日 15:01", "2019-10-01 15:01~2019-10-01 16:00", "9:05~10:00"}, []string{"25:00", "15:60", "2019年10月1日", "now", "15:01~"}},
		"date1":             {[]string{"2019年10月1日", "2019-10-01", "2019/10/01 15:01", "2019.10.01", "2019年10月1日~2019年10月3日", "2019年10月", "10月1日", "2019-10", "10-01", "10.01 15:01"}, []string{"10月", "2019年", "15:01", "20191001"}},
		"amount1":           {[]string{"¥28.50", "$100", "100", "28.50元", "1234567890"}, []string{"12345678901", "¥¥1", "RMB 5", "元"}},
		"phone_number1":     {[]string{"13600001720", "+86-0766-66888866", "136****1720"}, []string{"136xxxx1720", strings.Repeat("1", 18)}},
		"car_number1":       {[]string{"粤A8Z888挂", "京A12345"}, []string{"粤A8Z8889挂", "A京12345"}},
		"name1":             {[]string{"张一山", "Jean-Luc Picard", strings.Repeat("张", 10)}, []string{strings.Repeat("张", 11), strings.Repeat("a", 21), "R2D2", "张a" + strings.Repeat("b", 9)}},
		"phrase1":           {[]string{"已接单"}, []string{"已接单了吗呢", "ok", "已接单!"}},
		"enum_string1":      {[]string{"anything"}, []string{""}},
		"keyword1":          {nil, []string{"x"}},
		"thing":             {nil, []string{"x"}},
	} {
		for _, s := range c.good {
			if !fits(key, s) {
				t.Errorf("%s: %q is refused", key, s)
			}
		}
		for _, s := range c.bad {
			if fits(key, s) {
				t.Errorf("%s: %q is taken", key, s)
			}
		}
	}
	for kind, k := range kinds {
		if !fits(kind+"1", k.example) {
			t.Errorf("the example of %s does not fit", kind)
		}
	}
}
