-- +goose Up
-- A message that WeChat took at the first attempt has no row in attempt: its
-- queue row is the record. finished_at is 0 where it is not.
alter table queue add column finished_at integer not null default 0;
alter table queue add column errmsg text not null default '';
alter table queue add column rid text not null default '';
create index queue_msgid on queue (app, msgid) where msgid <> '';

-- As in 00001: what the planner would learn from a large database.
insert into sqlite_stat1 (tbl, idx, stat) values ('queue', 'queue_msgid', '1000000 1000000 1');
