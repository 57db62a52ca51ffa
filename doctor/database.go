package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/wxnotify/wxnotify/store"
)

// database looks at all that concerns the database, and at its apps.
func (d *Doctor) database(ctx context.Context) {
	master, keyErr := d.conf.KnownMaster()
	s, err := store.Look(ctx, d.log, store.Options{DSN: d.conf.Database.Reveal(), MasterKey: master, Node: "doctor"})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.wrong("database", err.Error(), d.say(text{"name it with --database; a server that is started makes a new one", "用 --database 指明数据库；首次启动服务会新建"}))
		return
	case err != nil:
		d.wrong("database", err.Error(), d.say(text{"see that the database runs and that its address, user and password are right", "请确认数据库已启动，且地址、用户名与密码正确"}))
		return
	}
	defer s.Close()
	f, err := s.Facts(ctx)
	if err != nil {
		d.unread("database", err)
		return
	}
	d.ok("database", f.Name)
	d.durability(f)
	d.clock(f)
	current := d.schema(f)
	d.disk(s)
	if d.masterKey(ctx, s, keyErr) && current {
		d.apps(ctx, s)
	}
}

func (d *Doctor) durability(f store.Facts) {
	if f.Unsafe != "" {
		d.wrong("durability", d.say(text{"a power cut may lose messages that were accepted: %s", "断电可能丢失已受理的消息：%s"}, f.Unsafe),
			d.say(text{"turn it on in the database's settings", "请在数据库配置中打开"}))
		return
	}
	d.ok("durability", d.say(text{"what was accepted survives a power cut", "已受理的消息断电不丢"}))
}

func (d *Doctor) clock(f store.Facts) {
	if d.conf.Postgres() && f.Skew.Abs() > store.ClockSlack {
		d.wrong("clock", d.say(text{"this machine's clock and the database's differ by %s", "本机与数据库的时钟相差 %s"}, f.Skew.Round(time.Millisecond).Abs()),
			d.say(text{"set both clocks (NTP); a server does not start with a difference over %s", "请校准时钟（NTP）；相差超过 %s 时服务不会启动"}, store.ClockSlack))
		return
	}
	d.ok("clock", d.say(text{"differs from the database's by %s", "与数据库时钟相差 %s"}, f.Skew.Round(time.Millisecond).Abs()))
}

// schema says whether the tables are those of this build.
func (d *Doctor) schema(f store.Facts) bool {
	switch {
	case f.Interrupted:
		d.wrong("schema", d.say(text{"a move into this database is not finished", "向该数据库的迁移（wxnotify move）尚未完成"}),
			d.say(text{"run the same wxnotify move again", "请重新执行同一条 wxnotify move 命令"}))
	case f.Schema < f.Known:
		d.wrong("schema", d.say(text{"the tables are of version %d, this program needs %d", "表结构版本为 %d，本程序需要 %d"}, f.Schema, f.Known),
			d.say(text{"start the new server, or run: wxnotify migrate", "启动新版服务，或执行：wxnotify migrate"}))
	case f.Schema > f.Known:
		d.ok("schema", d.say(text{"version %d, of a newer server", "版本 %d，来自更新的服务"}, f.Schema))
		return true
	default:
		d.ok("schema", d.say(text{"version %d, up to date", "版本 %d，已是最新"}, f.Schema))
		return true
	}
	return false
}

// leastFree is how much room a disk needs.
const leastFree = 512 << 20

// tight says whether a database of that size has too little room to grow.
func tight(free, size uint64) bool { return free < max(leastFree, size/10) }

func (d *Doctor) disk(s *store.Store) {
	path := d.conf.SQLiteFile()
	if path == "" {
		d.skip("disk", d.say(text{"it is PostgreSQL's; look there", "磁盘在 PostgreSQL 一侧，请在那里查看"}))
		return
	}
	free, err := freeSpace(filepath.Dir(path))
	if err != nil {
		d.skip("disk", err.Error())
		return
	}
	have, db := float64(free)/(1<<30), float64(s.FileSize())/(1<<30)
	what := d.say(text{"%.1f GB free, the database has %.1f GB", "剩余 %.1f GB，数据库占用 %.1f GB"}, have, db)
	if tight(free, uint64(s.FileSize())) {
		d.wrong("disk", what, d.say(text{"make room: on a full disk nothing is accepted", "请腾出空间：磁盘满时无法受理消息"}))
		return
	}
	d.ok("disk", what)
}

// masterKey says whether the key opens the database.
func (d *Doctor) masterKey(ctx context.Context, s *store.Store, err error) bool {
	if err == nil {
		err = s.Unlock(ctx)
	}
	if err != nil {
		d.wrong("master key", err.Error(), d.say(text{"without it no secret, code or content can be read; look for the key in your backups", "没有主密钥就无法读取密钥、凭证与消息内容；请从备份中找回"}))
		return false
	}
	file := d.conf.KeyFile()
	st, statErr := os.Stat(file)
	if d.conf.MasterKey.IsZero() && runtime.GOOS != "windows" && statErr == nil && st.Mode().Perm()&0o077 != 0 {
		d.wrong("master key", d.say(text{"%s can be read by other users (mode %04o)", "其他用户可读取 %s（权限 %04o）"}, file, st.Mode().Perm()), "chmod 600 "+file)
		return true
	}
	d.ok("master key", d.say(text{"it opens the database", "可以打开数据库"}))
	return true
}
