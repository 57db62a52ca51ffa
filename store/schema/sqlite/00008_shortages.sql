-- +goose Up
-- Who wants to be told when permits run out, and of what that was told already.

alter table app add column stock_low integer not null default 0; -- 0: nobody

-- A kind of permit that an app has had: template_id '' is forms and payments.
create table shortage (
    app         text not null,
    template_id text not null,
    low         integer not null, -- 1: it was told of, and is not over
    primary key (app, template_id)
) without rowid;

-- As in 00001: what the planner would learn from a large database.
insert into sqlite_stat1 (tbl, idx, stat) values
    ('shortage', 'shortage', '1000 10 1');
