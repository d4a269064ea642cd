"""Tables of public shapes, made anew: the dialects, names and oddities of well-known files.

Nothing is downloaded; the signal is our own. Each function answers the text of one file, always the same.
"""

from __future__ import annotations

import datetime
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MADE: dict[str, Table] = {}
_START = datetime.datetime(2006, 12, 16)


@dataclass(frozen=True)
class Table:
    """A file: its name in the project, the column that is likely meant, and what makes its text."""

    file: str
    targets: tuple[str, ...]
    """Columns that it is reasonable to predict; the proposal takes one of them."""
    make: Callable[[random.Random], str]

    def text(self) -> str:
        return self.make(random.Random(self.file))  # noqa: S311  # no secret


def _table(file: str, *targets: str) -> Callable[[Callable[[random.Random], str]], Any]:
    def register(make: Callable[[random.Random], str]) -> Callable[[random.Random], str]:
        MADE[make.__name__] = Table(file, targets, make)
        return make

    return register


def _lines(header: str, rows: Iterable[Iterable[Any]], separator: str = ",", end: str = "") -> str:
    body = (separator.join(map(str, row)) + end for row in rows)
    return "\n".join([*([header] if header else []), *body]) + "\n"


def _yes(r: random.Random, score: float) -> bool:
    return score + r.gauss(0, 1) > 0


@_table("sms.tsv", "label")
def spam_messages(r: random.Random) -> str:
    """Tab separated; quotes within the text are plain text."""
    spam = [
        "free",
        "win",
        "prize",
        "claim",
        "now",
        "call",
        "urgent",
        "cash",
        "1000£",
        "txt",
        "http://w.in/x",
        "reply",
        "STOP",
    ]
    ham = [
        "ok",
        "home",
        "later",
        '"sure"',
        "dinner",
        "see",
        "you",
        "love",
        "lol",
        "tomorrow",
        "work",
        "meeting",
        "he",
        "said",
        '"no',
        "idea",
    ]
    common = ["the", "to", "you", "a", "I", "in", "for", "and", "is", "at", "of", "it"]

    def row() -> tuple[str, str]:
        is_spam = r.random() < 0.2
        words = [
            r.choice(common if r.random() < 0.5 else spam if is_spam else ham)
            for _ in range(r.randint(6, 18))
        ]
        return ("spam" if is_spam else "ham"), " ".join(words)

    return _lines("label\tmessage", (row() for _ in range(1200)), "\t")


@_table("household_power_consumption.txt", "Sub_metering_3")
def household_power(r: random.Random) -> str:
    """Separated by `;`, gaps are `?`, days stand first, and rows follow each other in time."""

    def rows() -> Iterable[Iterable[Any]]:
        for n in range(2000):
            moment = _START + datetime.timedelta(hours=n)
            heater = 17 if (5 < moment.hour < 20) != (r.random() < 0.1) else r.choice([0, 1])
            power = 0.4 + heater / 12 + r.random()
            seen = [
                f"{power:.3f}",
                f"{r.random() / 5:.3f}",
                f"{r.gauss(240, 3):.3f}",
                f"{power * 4.3:.3f}",
                "0.000",
            ]
            if r.random() < 0.02:
                seen = ["?"] * 5
            yield [
                f"{moment.day}/{moment.month}/{moment.year}",
                moment.strftime("%H:%M:%S"),
                *seen,
                f"{r.choice([0, 0, 1, 2])}.000",
                f"{heater}.000",
            ]

    header = "Date;Time;Global_active_power;Global_reactive_power;Voltage;Global_intensity;Sub_metering_1;"
    return _lines(header + "Sub_metering_2;Sub_metering_3", rows(), ";")


@_table("adult.csv", "income")
def adult(r: random.Random) -> str:
    """Spaces behind the commas, and ` ?` for gaps."""

    def row() -> Iterable[Any]:
        age, years, hours = r.randint(17, 90), r.randint(1, 16), r.randint(10, 80)
        job = r.choice(["Private", "State-gov", "Self-emp-not-inc", "?"])
        sex = r.choice(["Male", "Female"])
        rich = _yes(r, (years - 10) / 2 + (hours - 45) / 15 + (age - 45) / 30 - 1)
        return age, job, r.randint(20_000, 400_000), years, sex, hours, ">50K" if rich else "<=50K"

    header = "age, workclass, fnlwgt, education-num, sex, hours-per-week, income"
    return _lines(header, (row() for _ in range(2000)), ", ")


@_table("bank-full.csv", "y")
def bank_marketing(r: random.Random) -> str:
    """Separated by `;`, names in quotes, `unknown` for gaps; `default` is a column and not the target."""

    def row() -> Iterable[Any]:
        duration, balance = r.randint(5, 1500), r.randint(-500, 9000)
        job = r.choice(["admin.", "services", "technician", "unknown"])
        default = r.choices(["no", "yes"], [98, 2])[0]
        said = _yes(r, duration / 400 + balance / 9000 - 3)
        return (
            r.randint(18, 90),
            f'"{job}"',
            f'"{default}"',
            balance,
            f'"{r.choice(["yes", "no"])}"',
            duration,
            f'"{"yes" if said else "no"}"',
        )

    header = '"age";"job";"default";"balance";"housing";"duration";"y"'
    return _lines(header, (row() for _ in range(2500)), ";")


@_table("penguins.csv", "species")
def penguins(r: random.Random) -> str:
    """A row number, `NA` for gaps, and a year behind everything that one would predict."""
    kinds = {
        "Adelie": (38.8, 18.3, 190, 3700),
        "Chinstrap": (48.8, 18.4, 196, 3730),
        "Gentoo": (47.5, 15, 217, 5070),
    }
    islands = {"Adelie": ["Torgersen", "Biscoe", "Dream"], "Chinstrap": ["Dream"], "Gentoo": ["Biscoe"]}

    def row(number: int) -> Iterable[Any]:
        kind = r.choice(list(kinds))
        bill, depth, flipper, mass = kinds[kind]
        sex = r.choice(["male", "female"])
        larger = 1.04 if sex == "male" else 0.96
        measured = [
            f"{r.gauss(bill, 2) * larger:.1f}",
            f"{r.gauss(depth, 0.8) * larger:.1f}",
            int(r.gauss(flipper, 5)),
            int(r.gauss(mass, 250) * larger),
        ]
        if number % 90 == 0:
            measured, sex = ["NA"] * 4, "NA"
        return number, kind, r.choice(islands[kind]), *measured, sex, 2007 + number % 3

    header = "rowid,species,island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year"
    return _lines(header, (row(number) for number in range(1, 345)))


@_table("gene_expression.csv", "Class")
def gene_expression(r: random.Random) -> str:
    """Wide: more genes than samples, whose names stand in a column without a name."""
    kinds = ["BRCA", "KIRC", "LUAD", "PRAD"]

    def row(number: int) -> Iterable[Any]:
        kind = number % 4
        genes = (
            f"{max(0.0, r.gauss(8 + 2 * (gene % 4 == kind and gene < 40), 1)):.6f}" for gene in range(600)
        )
        return f"sample_{number}", *genes, kinds[kind]

    header = ",".join(["", *(f"gene_{gene}" for gene in range(600)), "Class"])
    return _lines(header, (row(number) for number in range(240)))


@_table("hour.csv", "cnt")
def bike_sharing(r: random.Random) -> str:
    """A running number, days in order, and counts that add up to the target."""

    def row(number: int) -> Iterable[Any]:
        moment = datetime.datetime(2011, 1, 1) + datetime.timedelta(hours=number)
        temperature = 0.5 + 0.3 * ((number % 24) / 24 - 0.5) + r.gauss(0, 0.05)
        registered = max(0, int(150 * (7 < moment.hour < 20) + 100 * temperature + r.gauss(0, 15)))
        casual = max(0, int(40 * temperature * (1 + (moment.weekday() > 4)) + r.gauss(0, 5)))
        return (
            number + 1,
            moment.date(),
            1,
            moment.hour,
            int(moment.weekday() > 4),
            r.choice([1, 2, 3]),
            f"{temperature:.2f}",
            f"{r.random():.2f}",
            casual,
            registered,
            casual + registered,
        )

    header = "instant,dteday,season,hr,holiday,weathersit,temp,hum,casual,registered,cnt"
    return _lines(header, (row(number) for number in range(2400)))


@_table("AirQualityUCI.csv", "AH")
def air_quality(r: random.Random) -> str:
    """Decimal commas, `-200` for gaps, two columns without names at the end, and rows without values."""

    def comma(value: float) -> str:
        return f"{value:.1f}".replace(".", ",")

    def row(number: int) -> Iterable[Any]:
        moment = datetime.datetime(2004, 3, 10, 18) + datetime.timedelta(hours=number)
        warmth, humidity = 14 + 8 * ((number % 24) / 24) + r.gauss(0, 2), r.gauss(50, 12)
        carbon = r.random() * 4
        absolute = f"{0.04 * warmth + 0.012 * humidity + r.gauss(0, 0.03):.4f}".replace(".", ",")
        return (
            moment.strftime("%d/%m/%Y"),
            moment.strftime("%H.%M.%S"),
            "-200" if number % 17 == 0 else comma(carbon),
            int(900 + 180 * carbon),
            comma(warmth),
            comma(humidity),
            absolute,
        )

    header = "Date;Time;CO(GT);PT08.S1(CO);T;RH;AH;;"
    return _lines(header, (row(number) for number in range(1500)), ";", ";;") + ";;;;;;;;\n" * 5


@_table("online_retail.csv", "Country", "Total")
def retail(r: random.Random) -> str:
    """Prices with `£` and thousands separators, and texts in capitals."""
    things = {
        "RED MUG": 2.95,
        "LUNCH BAG": 1.65,
        "WOODEN CLOCK": 12.5,
        "CAKE STAND": 24.95,
        "GARDEN BENCH": 310.0,
    }

    def row(number: int) -> Iterable[Any]:
        thing, count = r.choice(list(things)), r.randint(1, 24)
        price = things[thing] * r.choice([1, 1, 0.9])
        return (
            536_365 + number // 4,
            r.choice("ABCD") + str(22_000 + len(thing)),
            thing,
            count,
            f"£{price:.2f}",
            f'"£{price * count:,.2f}"',
        )

    return _lines(
        "Invoice,StockCode,Description,Quantity,Price,Total", (row(number) for number in range(1500))
    )


@_table("flights.csv", "distance")
def flights(r: random.Random) -> str:
    """Parts of times in columns of their own, codes, and `NA` for cancelled flights."""
    cities = {"LAX": 2475, "BOS": 187, "MIA": 1092, "ORD": 740, "SFO": 2586, "ATL": 762}

    def row(number: int) -> Iterable[Any]:
        city, hour, minute = r.choice(list(cities)), r.randint(5, 22), r.choice([0, 15, 30, 45])
        late = int(r.expovariate(1 / 12)) - 5
        cancelled = r.random() < 0.02
        flown = cities[city] / 8 + r.gauss(20, 5)
        return (
            2013,
            number % 12 + 1,
            number % 28 + 1,
            "NA" if cancelled else hour * 100 + minute,
            "NA" if cancelled else late,
            r.choice(["UA", "AA", "DL"]),
            f"N{r.randint(100, 180)}UA",
            r.choice(["EWR", "JFK", "LGA"]),
            city,
            "NA" if cancelled else f"{flown:.0f}",
            cities[city],
            hour,
            minute,
        )

    header = "year,month,day,dep_time,dep_delay,carrier,tailnum,origin,dest,air_time,distance,hour,minute"
    return _lines(header, (row(number) for number in range(1500)))


@_table("ratings.csv", "rating")
def movie_ratings(r: random.Random) -> str:
    """Titles with commas in quotes, genres with `|` between them, seconds since 1970."""
    genres = {"Drama": 0.6, "Comedy": 0.0, "Horror": -0.9, "War": 0.5, "Children": -0.2}
    films = [(number, r.sample(list(genres), r.randint(1, 2))) for number in range(1, 120)]

    def row() -> Iterable[Any]:
        film, kinds = r.choice(films)
        liked = 3.2 + 1.2 * sum(genres[kind] for kind in kinds) + r.gauss(0, 0.5)
        rating = min(5.0, max(0.5, round(2 * liked) / 2))
        title = f'"Film {film}, The ({1930 + film % 80})"'
        return (
            r.randint(1, 600),
            film,
            title,
            "|".join(sorted(kinds)),
            rating,
            964_982_703 + r.randint(0, 500_000_000),
        )

    return _lines("userId,movieId,title,genres,rating,timestamp", (row() for _ in range(2000)))


@_table("titanic.csv", "Survived")
def titanic(r: random.Random) -> str:
    """Names with commas and quotes within quotes, cabins that are mostly missing."""

    def row(number: int) -> Iterable[Any]:
        kind, sex = r.choice([1, 2, 3]), r.choice(["male", "female"])
        lives = _yes(r, (1.2 if sex == "female" else -0.8) + (2 - kind) / 2)
        name = f'"Smith, Mr. John {number} ""Jack"""'
        age = "" if r.random() < 0.2 else r.randint(1, 75)
        cabin = f"C{r.randint(1, 120)}" if r.random() < 0.2 else ""
        return (
            number,
            int(lives),
            kind,
            name,
            sex,
            age,
            r.randint(0, 3),
            f"PC {17_000 + number}",
            f"{80 / kind:.2f}",
            cabin,
            r.choice("SCQ"),
        )

    header = "PassengerId,Survived,Pclass,Name,Sex,Age,SibSp,Ticket,Fare,Cabin,Embarked"
    return _lines(header, (row(number) for number in range(1, 892)))


@_table("winequality-red.csv", "quality")
def wine_quality(r: random.Random) -> str:
    """Separated by `;`, names of columns with spaces in quotes; marks from 3 to 8, of which some are rare."""

    def row() -> Iterable[Any]:
        alcohol, acid, sulphates = r.gauss(10.4, 1), abs(r.gauss(0.53, 0.18)), abs(r.gauss(0.66, 0.15))
        mark = 5.6 + 0.9 * (alcohol - 10.4) - 2 * (acid - 0.53) + 2 * (sulphates - 0.66) + r.gauss(0, 0.3)
        return (
            f"{abs(r.gauss(8, 1.5)):.1f}",
            f"{acid:.2f}",
            f"{sulphates:.2f}",
            f"{alcohol:.1f}",
            min(8, max(3, round(mark))),
        )

    header = '"fixed acidity";"volatile acidity";"sulphates";"alcohol";"quality"'
    return _lines(header, (row() for _ in range(1600)), ";")


@_table("credit_default.csv", "default payment next month")
def credit_default(r: random.Random) -> str:
    """Codes as numbers, payments of some months, and a long name for the target."""

    def row(number: int) -> Iterable[Any]:
        limit, late = 10_000 * r.randint(1, 50), r.choices([-1, 0, 1, 2, 3], [30, 40, 15, 10, 5])[0]
        bill = int(limit * r.random())
        fails = _yes(r, late - 1.3 - limit / 400_000)
        return (
            number,
            limit,
            r.choice([1, 2]),
            r.choice([1, 2, 3]),
            r.randint(21, 70),
            late,
            bill,
            int(bill * r.random() / 5),
            int(fails),
        )

    header = "ID,LIMIT_BAL,SEX,EDUCATION,AGE,PAY_0,BILL_AMT1,PAY_AMT1,default payment next month"
    return _lines(header, (row(number) for number in range(1, 2501)))


@_table("mushrooms.csv", "class")
def mushrooms(r: random.Random) -> str:
    """Letters for everything; the target stands first, and `?` is for gaps."""

    def row() -> Iterable[Any]:
        smell = r.choice("nfalpcs")
        poisonous = (smell in "fpcs") != (r.random() < 0.03)
        return (
            "p" if poisonous else "e",
            r.choice("xfkb"),
            r.choice("nyweg"),
            smell,
            r.choice("bce?"),
            r.choice("knwhr"),
        )

    return _lines("class,cap-shape,cap-color,odor,stalk-root,spore-print-color", (row() for _ in range(2000)))


@_table("abalone.csv", "Rings")
def abalone(r: random.Random) -> str:
    """A count as the target, with a name before numbers."""

    def row() -> Iterable[Any]:
        rings = max(3, int(r.gauss(10, 3)))
        length = 0.2 + 0.25 * rings**0.5 / 3 + r.gauss(0, 0.02)
        return (
            r.choice("MFI"),
            f"{length:.3f}",
            f"{length * 0.8:.3f}",
            f"{length * 0.27:.3f}",
            f"{length**3 * 6:.4f}",
            rings,
        )

    return _lines("Sex,Length,Diameter,Height,Whole weight,Rings", (row() for _ in range(2000)))


@_table("auto-mpg.tsv", "origin", "mpg")
def auto_mpg(r: random.Random) -> str:
    """Between tabs and padded with spaces, `?` for gaps, and a name in quotes at the end."""

    def row(number: int) -> Iterable[Any]:
        cylinders = r.choice([4, 4, 6, 8])
        weight = 1500 + 400 * cylinders + r.gauss(0, 200)
        origin = 1 if cylinders > 4 or r.random() < 0.15 else r.choice([2, 3])
        power = "?" if number % 60 == 0 else f"{weight / 28:.1f}"
        return (
            f"{60 - weight / 80 + r.gauss(0, 2):.1f}",
            cylinders,
            power,
            f"{weight:.0f}.",
            70 + number % 13,
            origin,
            f'"car {number}"',
        )

    header = "mpg\tcylinders\thorsepower\tweight\tmodel_year\torigin\tcar_name"
    return _lines(header, (row(number) for number in range(600)), "\t")


@_table("concrete.csv", "Concrete compressive strength(MPa, megapascals)")
def concrete(r: random.Random) -> str:
    """Names of columns with commas, brackets and trailing spaces."""

    def row() -> Iterable[Any]:
        cement, water, age = r.uniform(100, 540), r.uniform(120, 250), r.choice([3, 7, 28, 90])
        strength = 20 + cement / 10 - water / 8 + 6 * age**0.3 + r.gauss(0, 3)
        return f"{cement:.1f}", f"{water:.1f}", age, f"{max(2, strength):.2f}"

    header = (
        '"Cement (component 1)(kg in a m^3 mixture)","Water  (component 4)(kg in a m^3 mixture)",Age (day),'
    )
    return _lines(header + '"Concrete compressive strength(MPa, megapascals) "', (row() for _ in range(1030)))


@_table("heart.csv", "target")
def heart_disease(r: random.Random) -> str:
    """A small table of codes; `?` for gaps."""

    def row() -> Iterable[Any]:
        age, pain, pulse = r.randint(29, 77), r.randint(0, 3), r.randint(90, 200)
        ill = _yes(r, 1.2 * pain - 1.8 + (150 - pulse) / 40)
        return age, r.choice([0, 1]), pain, r.randint(94, 200), pulse, r.choice("0123?"), int(ill)

    return _lines("age,sex,cp,trestbps,thalach,ca,target", (row() for _ in range(600)))


@_table("iris.csv", "species")
def iris(r: random.Random) -> str:
    """Fifty of each kind, sorted by kind."""
    kinds = {"setosa": (5.0, 1.5), "versicolor": (5.9, 4.3), "virginica": (6.6, 5.6)}
    rows = [
        (f"{r.gauss(sepal, 0.3):.1f}", f"{r.gauss(petal, 0.3):.1f}", kind)
        for kind, (sepal, petal) in kinds.items()
        for _ in range(50)
    ]
    return _lines("sepal_length,petal_length,species", rows)


@_table("real_estate.csv", "Y house price of unit area")
def real_estate(r: random.Random) -> str:
    """A running number `No`, and names of columns that begin with letters."""

    def row(number: int) -> Iterable[Any]:
        age, far, shops = r.uniform(0, 43), r.uniform(20, 6500), r.randint(0, 10)
        price = 45 - far / 250 - age / 5 + 1.5 * shops + r.gauss(0, 4)
        return (
            number,
            f"{2012 + number % 20 / 12:.3f}",
            f"{age:.1f}",
            f"{far:.4f}",
            shops,
            f"{max(8, price):.1f}",
        )

    header = "No,X1 transaction date,X2 house age,X3 distance to the nearest MRT station,X4 number of stores,"
    return _lines(header + "Y house price of unit area", (row(number) for number in range(1, 415)))


@_table("forestfires.csv", "area")
def forest_fires(r: random.Random) -> str:
    """Months and days by their names, and a target with many zeros."""

    def row() -> Iterable[Any]:
        warm, wind = r.uniform(2, 33), r.uniform(0.4, 9.4)
        area = max(0.0, 2 * (warm - 18) + 3 * (wind - 4) + r.gauss(0, 5))
        return (
            r.randint(1, 9),
            r.choice(["mar", "aug", "sep"]),
            r.choice(["fri", "sat", "mon"]),
            f"{warm:.1f}",
            r.randint(15, 99),
            f"{wind:.1f}",
            f"{area:.2f}",
        )

    return _lines("X,month,day,temp,RH,wind,area", (row() for _ in range(1000)))
