import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.client.interceptor.BearerTokenAuthInterceptor;
import ca.uhn.fhir.rest.server.exceptions.BaseServerResponseException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.CapabilityStatement;
import org.hl7.fhir.r4.model.Parameters;
import org.hl7.fhir.r4.model.Patient;

/** The generic client of HAPI FHIR against the gateway at args[0] with the token args[1]. */
public class Generic {
  public static void main(String[] args) {
    // As it is delivered: it asks for the CapabilityStatement before its first request.
    FhirContext context = FhirContext.forR4();
    IGenericClient client = context.newRestfulGenericClient(args[0]);
    client.registerInterceptor(new BearerTokenAuthInterceptor(args[1]));
    List<String> seen = new ArrayList<>();

    CapabilityStatement said = client.capabilities().ofType(CapabilityStatement.class).execute();
    seen.add(text("capability", said.getFhirVersion().toCode()));
    Patient patient = client.read().resource(Patient.class).withId("p03").execute();
    seen.add(text("read", patient.getNameFirstRep().getFamily()));
    seen.add("\"unknown\": " + status(client, "nobody"));

    List<String> ids = new ArrayList<>();
    Bundle page = client.search().forResource(Patient.class).sort().ascending("_id").count(10)
        .returnBundle(Bundle.class).execute();
    while (page != null) {
      page.getEntry().forEach(one -> ids.add(one.getResource().getIdElement().getIdPart()));
      page = page.getLink(Bundle.LINK_NEXT) == null ? null : client.loadPage().next(page).execute();
    }
    seen.add(list("pages", ids));

    Bundle history = client.history().onInstance("Patient/p00").returnBundle(Bundle.class).execute();
    seen.add(list("history", history.getEntry().stream()
        .map(one -> one.getResource().getMeta().getVersionId()).collect(Collectors.toList())));
    Patient same = client.read().resource(Patient.class).withId("p00").ifVersionMatches("2")
        .returnNull().execute();
    seen.add("\"unchanged\": " + (same == null ? 304 : 200));
    Bundle whole = client.operation().onInstance("Patient/p00").named("$everything")
        .withNoParameters(Parameters.class).useHttpGet().returnResourceType(Bundle.class).execute();
    seen.add(list("everything", whole.getEntry().stream()
        .map(one -> one.getResource().getIdElement().getIdPart()).sorted()
        .collect(Collectors.toList())));
    seen.add("\"no token\": " + status(context.newRestfulGenericClient(args[0]), "p03"));
    System.out.println("{" + String.join(", ", seen) + "}");
  }

  private static int status(IGenericClient client, String id) {
    try {
      client.read().resource(Patient.class).withId(id).execute();
      return 200;
    } catch (BaseServerResponseException error) {
      return error.getStatusCode();
    }
  }

  private static String text(String name, String value) {
    return "\"" + name + "\": \"" + value + "\"";
  }

  private static String list(String name, List<String> values) {
    return "\"" + name + "\": " + values.stream()
        .map(value -> "\"" + value + "\"").collect(Collectors.joining(", ", "[", "]"));
  }
}
