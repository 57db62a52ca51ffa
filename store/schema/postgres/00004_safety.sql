-- +goose Up
-- Who changed what, erasure of a person, and the end of contents.

-- No secret and no value stands in it.
create table audit (
    id         text collate "C" not null primary key, -- grows with time
    at         bigint not null, -- real
    actor      text collate "C" not null,
    app        text collate "C" not null, -- '': none
    action     text collate "C" not null,
    object     text collate "C" not null,
    detail     text collate "C" not null,
    request_id text collate "C" not null
);
create index audit_app on audit (app, id);
create index audit_actor on audit (actor, id);

-- Whoever asked to be forgotten. openid is there until that is done; what is
-- left afterwards tells what is older than the wish.
create table erasure (
    app        text collate "C" not null,
    person     text collate "C" not null, -- the pseudonym
    openid     bytea,         -- sealed; null: done
    asked_at   bigint not null, -- virtual
    asked_real bigint not null,
    due        bigint not null, -- real
    done_at    bigint not null, -- real, 0: not
    primary key (app, person)
);
create index erasure_due on erasure (due, app, person);
create index session_person on session (openid, app);

-- Messages that the walk of retention passed by because they were too young,
-- or not at rest, and when to look at them again.
create table aging (
    app text collate "C" not null,
    id  text collate "C" not null,
    due bigint not null, -- virtual
    primary key (app, id)
);
create index aging_due on aging (due, app, id);

-- How far a walk came that goes through everything once.
create table progress (
    name text collate "C" not null,
    app  text collate "C" not null,
    id   text collate "C" not null,
    primary key (name, app)
);

