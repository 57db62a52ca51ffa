package api

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"

	"github.com/wxnotify/wxnotify"
)

// page cuts a list that is short enough to be read whole. all is in its order,
// id is unique in it. The cursor is the id of the last item before the page.
func page[T any](q query, all []T, id func(T) string) (part []T, next *string, err error) {
	limit, err := q.limit()
	if err != nil {
		return nil, nil, err
	}
	from := 0
	if cursor, given := q["cursor"]; given {
		last, ok := openCursor(cursor)
		if !ok {
			return nil, nil, wxnotify.Refuse(wxnotify.CursorInvalid, "this is not a cursor of ours")
		}
		for from = len(all); from > 0 && id(all[from-1]) != last; from-- { // deleted meanwhile: the list begins anew
		}
	}
	part = all[from:min(from+limit, len(all))]
	if n := len(part); n > 0 && from+n < len(all) {
		s := sealCursor(id(part[n-1]))
		next = &s
	}
	return part, next, nil
}

func sealCursor(s string) string {
	b := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(s)))
	return base64.RawURLEncoding.EncodeToString(append(b, s...))
}

func openCursor(s string) (string, bool) {
	b, ok := wxnotify.DecodeText(s)
	if !ok || len(b) < 4 || binary.BigEndian.Uint32(b) != crc32.ChecksumIEEE(b[4:]) {
		return "", false
	}
	return string(b[4:]), true
}
