from mcnet.core.progress import Progress


def test_nobody_is_told_where_nobody_asks():
    whole = Progress()
    parts = (whole, whole.steps(3, 4), whole.part(0, 2))
    assert [part(1, 2) for part in parts] == [None, None, None]


def test_a_part_counts_on_from_where_the_whole_was():
    told = []
    whole = Progress(lambda done, total: told.append((done, total)))
    part = whole.steps(30, 100)
    part(1, 70)
    part.steps(20, 999)(5, 50)  # what a part of the part says of all counts for nothing
    assert told == [(31, 100), (55, 100)]


def test_equal_parts_share_the_whole():
    told = []
    whole = Progress(lambda done, total: told.append(done / total))
    for number in range(4):
        for done in range(1, 6):
            whole.part(number, 4)(done, 5)
    assert told == [count / 20 for count in range(1, 21)]
