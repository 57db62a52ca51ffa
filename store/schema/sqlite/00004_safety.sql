-- +goose Up
-- Who changed what, erasure of a person, and the end of contents.

-- No secret and no value stands in it.
create table audit (
    id         text not null primary key, -- grows with time
    at         integer not null, -- real
    actor      text not null,
    app        text not null, -- '': none
    action     text not null,
    object     text not null,
    detail     text not null,
    request_id text not null
) without rowid;
create index audit_app on audit (app, id);
create index audit_actor on audit (actor, id);

-- Whoever asked to be forgotten. openid is there until that is done; what is
-- left afterwards tells what is older than the wish.
create table erasure (
    app        text not null,
    person     text not null, -- the pseudonym
    openid     blob,          -- sealed; null: done
    asked_at   integer not null, -- virtual
    asked_real integer not null,
    due        integer not null, -- real
    done_at    integer not null, -- real, 0: not
    primary key (app, person)
) without rowid;
create index erasure_due on erasure (due, app, person);
create index session_person on session (openid, app);

-- Messages that the walk of retention passed by because they were too young,
-- or not at rest, and when to look at them again.
create table aging (
    app text not null,
    id  text not null,
    due integer not null, -- virtual
    primary key (app, id)
) without rowid;
create index aging_due on aging (due, app, id);

-- How far a walk came that goes through everything once.
create table progress (
    name text not null,
    app  text not null,
    id   text not null,
    primary key (name, app)
) without rowid;

-- As in 00001: what the planner would learn from a large database.
insert into sqlite_stat1 (tbl, idx, stat) values
    ('audit', 'audit', '100000 1'),
    ('audit', 'audit_app', '100000 100000 1'),
    ('audit', 'audit_actor', '100000 10000 1'),
    ('erasure', 'erasure', '10000 10000 1'),
    ('erasure', 'erasure_due', '10000 5000 5000 1'),
    ('session', 'session', '1000000 1'),
    ('session', 'session_end', '1000000 2'),
    ('session', 'session_person', '1000000 3 3'),
    ('aging', 'aging', '100000 100000 1'),
    ('aging', 'aging_due', '100000 10 10 1');
