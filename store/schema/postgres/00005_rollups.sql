-- +goose Up
-- Names and columns are the same as in ../sqlite, where they are explained.

create table rollup (
    app  text collate "C" not null,
    slot bigint not null,
    kind text collate "C" not null,
    node text collate "C" not null,
    n    bigint not null,
    primary key (app, slot, kind, node)
) with (fillfactor = 50);

create table stock (
    app         text collate "C" not null,
    source      text collate "C" not null,
    template_id text collate "C" not null,
    ends        bigint not null,
    node        text collate "C" not null,
    n           bigint not null,
    primary key (app, source, template_id, ends, node)
) with (fillfactor = 50);

insert into stock (app, source, template_id, ends, node, n)
    select app, source, template_id, case when expires_at >= 253402300799000 then 253402300799000 else (expires_at + 28800000) / 86400000 * 86400000 - 28800000 end, '', count(*)
    from permit where state = 'free' group by 1, 2, 3, 4;
