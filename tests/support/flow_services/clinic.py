"""A clinic, kept apart: names in camel case, answers in an envelope, references with prefixes, codes, page tokens, ids that nest."""

from typing import Any

from tests.support.flow_services.service import Answer, Service

Query = dict[str, str]
Body = dict[str, Any]
SITES = ("BER1", "HAM2", "CGN1")
FIELDS = ("cardiology", "dermatology", "urology")
TARIFFS = ("T100", "T205", "T310", "T420", "T999")


def result(**found: Any) -> Answer:
    """The envelope of each answer."""
    return 200, {"result": found, "meta": {"version": "1.4", "took": 3}}


class Clinic(Service):
    """`https://clinic.example.com/rest`."""

    host = "clinic.example.com"

    def __init__(self, seed: int = 37) -> None:
        super().__init__(seed)
        self.doctors: list[Body] = [
            {"doctorId": n, "specialty": FIELDS[n % 3], "clinicCode": SITES[n % 3], "rating": n % 5} for n in range(1, 16)
        ]
        self.patients = [{"patientRef": f"P-{100000 + 37 * n}", "insurance": "public", "homeClinic": SITES[n % 3]} for n in range(1, 31)]
        self.slots: list[Body] = [
            {
                "slotId": self.hex(16),
                "doctorId": n % 15 + 1,
                "startsAt": f"2025-05-{n % 28 + 1:02}T09:00:00Z",
                "roomNo": n % 6 + 1,
                "taken": False,
            }
            for n in range(300)
        ]
        self.appointments: list[Body] = []
        self.invoices: list[Body] = []
        self.documents: list[Body] = []
        self.pages: dict[str, int] = {}
        self.routes = {
            ("GET", "/rest/clinics"): lambda *_: result(clinics=[{"code": code, "rooms": [{"roomNo": n} for n in range(1, 7)]} for code in SITES]),
            ("GET", "/rest/clinics/{}/rooms/{}"): lambda _, __, code, room: result(room={"floor": 2, "beds": 1, "equipment": ["ecg"]}),
            ("GET", "/rest/doctors"): self.list_doctors,
            ("GET", "/rest/doctors/{}"): self.get_doctor,
            ("GET", "/rest/doctors/{}/slots"): self.list_slots,
            ("GET", "/rest/patients"): self.list_patients,
            ("GET", "/rest/patients/{}"): self.get_patient,
            ("GET", "/rest/patients/{}/documents"): self.list_documents,
            ("POST", "/rest/patients/{}/documents"): self.add_document,
            ("GET", "/rest/documents/{}"): self.get_document,
            ("POST", "/rest/appointments"): self.book,
            ("GET", "/rest/appointments"): self.list_appointments,
            ("GET", "/rest/appointments/{}"): self.get_appointment,
            ("PUT", "/rest/appointments/{}"): self.move,
            ("DELETE", "/rest/appointments/{}"): lambda *_: (204, None),
            ("GET", "/rest/tariffs"): lambda *_: result(tariffs=[{"tariffCode": code, "cents": 100 * n} for n, code in enumerate(TARIFFS, 7)]),
            ("POST", "/rest/invoices"): self.bill,
            ("GET", "/rest/invoices/{}"): self.get_invoice,
            ("POST", "/rest/invoices/{}/payments"): self.pay,
        }  # fmt: skip

    def list_doctors(self, query: Query, _: Body) -> Answer:
        return result(doctors=[row for row in self.doctors if query.get("specialty") in (None, row["specialty"])])

    def get_doctor(self, _: Query, __: Body, number: str) -> Answer:
        return result(doctor={**self.doctors[int(number) - 1], "languages": ["de", "en"]})

    def list_slots(self, _: Query, __: Body, number: str) -> Answer:
        rows = [row for row in self.slots if row["doctorId"] == int(number) and not row["taken"]][:8]
        return result(slots=[{name: row[name] for name in ("slotId", "startsAt", "roomNo")} for row in rows])

    def list_patients(self, query: Query, _: Body) -> Answer:
        start = self.pages.get(query.get("pageMarker", ""), 0)
        following = self.opaque("", 20) if start + 10 < len(self.patients) else ""
        self.pages |= {following: start + 10} if following else {}
        return result(patients=self.patients[start : start + 10], nextPageMarker=following)

    def get_patient(self, _: Query, __: Body, reference: str) -> Answer:
        own = [row["appointmentNo"] for row in self.appointments if row["patientRef"] == reference]
        return result(patient=next(row for row in self.patients if row["patientRef"] == reference), appointments=own[:5])

    def list_documents(self, _: Query, __: Body, reference: str) -> Answer:
        return result(documents=[{"uuid": row["uuid"], "kind": row["kind"]} for row in self.documents if row["of"] == reference])

    def add_document(self, _: Query, body: Body, reference: str) -> Answer:
        row = {"uuid": self.uuid(), "kind": body["kind"], "of": reference}
        self.documents.append(row)
        return 201, {"result": {"uuid": row["uuid"], "pages": 1}}

    def get_document(self, _: Query, __: Body, document: str) -> Answer:
        row = next(row for row in self.documents if row["uuid"] == document)
        return result(document={"kind": row["kind"], "owner": {"patientRef": row["of"]}})

    def book(self, _: Query, body: Body) -> Answer:
        slot = next(row for row in self.slots if row["slotId"] == body["slotId"])
        slot["taken"] = True
        row = {
            "appointmentNo": 5000 + len(self.appointments), "patientRef": body["patientRef"], "slotId": slot["slotId"],
            "doctor": {"doctorId": slot["doctorId"]}, "status": "booked", "clinicCode": SITES[slot["doctorId"] % 3], "roomNo": slot["roomNo"],
        }  # fmt: skip
        self.appointments.append(row)
        return 201, {"result": {"appointment": row}}

    def list_appointments(self, query: Query, _: Body) -> Answer:
        rows = [row for row in self.appointments if query.get("patientRef") in (None, row["patientRef"])]
        return result(appointments=[row for row in rows if query.get("status") in (None, row["status"])][-8:])

    def found(self, number: str) -> Body:
        return next(row for row in self.appointments if row["appointmentNo"] == int(number))

    def get_appointment(self, _: Query, __: Body, number: str) -> Answer:
        return result(appointment={**self.found(number), "remarks": [], "duration": 20})

    def move(self, _: Query, body: Body, number: str) -> Answer:
        self.found(number)["slotId"] = body["slotId"]
        return result(appointment=self.found(number))

    def bill(self, _: Query, body: Body) -> Answer:
        row = {"invoiceId": len(self.invoices) + 1, "appointmentNo": body["appointmentNo"], "status": "open", "lines": body["lines"]}
        self.invoices.append(row)
        return 201, {"result": {"invoice": row}}

    def get_invoice(self, _: Query, __: Body, number: str) -> Answer:
        row = self.invoices[int(number) - 1]
        return result(invoice={**row, "payer": {"patientRef": self.found(str(row["appointmentNo"]))["patientRef"]}})

    def pay(self, _: Query, body: Body, number: str) -> Answer:
        return result(payment={"paymentId": self.opaque("pmt-", 10), "invoiceId": int(number), "cents": body["cents"]})


def session(clinic: Clinic) -> None:
    """One patient's visit."""
    call, some, pick = clinic.call, clinic.some, clinic.random
    answer = call("GET", "/rest/patients")["result"]
    while answer["nextPageMarker"] and pick.random() < 0.6:
        answer = call("GET", "/rest/patients", {"pageMarker": answer["nextPageMarker"]})["result"]
    patient = some(answer["patients"])["patientRef"]
    call("GET", f"/rest/patients/{patient}")
    doctor = some(call("GET", "/rest/doctors", {"specialty": some(FIELDS)})["result"]["doctors"])["doctorId"]
    call("GET", f"/rest/doctors/{doctor}")
    slots = call("GET", f"/rest/doctors/{doctor}/slots")["result"]["slots"]
    if len(slots) < 2:
        return
    booked = call("POST", "/rest/appointments", body={"slotId": slots[0]["slotId"], "patientRef": patient, "reason": "pain"})["result"][
        "appointment"
    ]
    if pick.random() < 0.4:
        call("PUT", f"/rest/appointments/{booked['appointmentNo']}", body={"slotId": slots[1]["slotId"]})
    rows = call("GET", "/rest/appointments", pick.choice(({"patientRef": patient}, {"status": "booked"})))["result"]["appointments"]
    seen = call("GET", f"/rest/appointments/{some(rows)['appointmentNo']}")["result"]["appointment"]
    call("GET", f"/rest/doctors/{seen['doctor']['doctorId']}")
    call("GET", f"/rest/clinics/{seen['clinicCode']}/rooms/{seen['roomNo']}")
    place = some(call("GET", "/rest/clinics")["result"]["clinics"])
    call("GET", f"/rest/clinics/{place['code']}/rooms/{some(place['rooms'])['roomNo']}")
    made = call("POST", f"/rest/patients/{patient}/documents", body={"kind": "letter"})["result"]["uuid"]
    call(
        "GET",
        f"/rest/documents/{pick.choice((made, some(call('GET', f'/rest/patients/{patient}/documents')['result']['documents'])['uuid']))}",
    )
    tariff = some(call("GET", "/rest/tariffs")["result"]["tariffs"])
    bill = {"appointmentNo": booked["appointmentNo"], "lines": [{"tariffCode": tariff["tariffCode"], "cents": tariff["cents"]}]}
    invoice = call("POST", "/rest/invoices", body=bill)["result"]["invoice"]["invoiceId"]
    whole = call("GET", f"/rest/invoices/{invoice}")["result"]["invoice"]
    call("POST", f"/rest/invoices/{invoice}/payments", body={"cents": 700})
    if pick.random() < 0.4:
        call("GET", f"/rest/patients/{whole['payer']['patientRef']}")
    if pick.random() < 0.2:
        call("DELETE", f"/rest/appointments/{seen['appointmentNo']}")


def recorded(sessions: int = 25, seed: int = 37) -> list[dict[str, Any]]:
    """The entries of some visits."""
    clinic = Clinic(seed)
    for _ in range(sessions):
        session(clinic)
    return clinic.entries
