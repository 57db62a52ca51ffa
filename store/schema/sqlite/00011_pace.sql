-- +goose Up
-- When the next call of an app with a rate may start. Whoever claims takes the
-- following starts for what it claims, so all nodes together keep the rate.

create table pace (
    app      text not null primary key,
    start_us integer not null -- real, in microseconds
) without rowid;

-- As in 00001: what the planner would learn from a large database.
insert into sqlite_stat1 (tbl, idx, stat) values
    ('pace', 'pace', '1000 1');
