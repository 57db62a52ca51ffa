-- +goose Up
-- What happened, summed up, so that nobody has to count rows (tally.go).

-- slot is the minute in which it happened, virtual, or the hour once that is
-- long ago. node is who wrote it, so that nodes do not wait for each other.
create table rollup (
    app  text not null,
    slot integer not null,
    kind text not null,
    node text not null,
    n    integer not null,
    primary key (app, slot, kind, node)
) without rowid;

-- Free permits by the day on which they end, in UTC+8.
create table stock (
    app         text not null,
    source      text not null,
    template_id text not null,
    ends        integer not null,
    node        text not null,
    n           integer not null,
    primary key (app, source, template_id, ends, node)
) without rowid;

insert into stock (app, source, template_id, ends, node, n)
    select app, source, template_id, case when expires_at >= 253402300799000 then 253402300799000 else (expires_at + 28800000) / 86400000 * 86400000 - 28800000 end, '', count(*)
    from permit where state = 'free' group by 1, 2, 3, 4;

-- As in 00001: what the planner would learn from a large database.
insert into sqlite_stat1 (tbl, idx, stat) values
    ('rollup', 'rollup', '1000000 100000 30 2 1'),
    ('stock', 'stock', '1000 500 200 100 4 1');
